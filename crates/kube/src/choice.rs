//! The chosen entries of a kubeconfig, as plain data.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::config::{AuthInfo, ExecConfig};
use secrecy::SecretString;

use super::command_line::command_line;
use super::connect::{ConnectError, Place, access_to};
use super::eks_name::{EksName, argument};
use super::environment::Environment;
use super::kubeconfig::{self, Flags};
use super::target::Target;

/// The entries that the flags and the surroundings choose.
pub struct Choice {
    /// Where it goes.
    pub target: Target,
    /// Who goes there.
    pub user: ChosenUser,
    /// The cluster's name and region as names and address tell them.
    pub entry: EksName,
    /// The same, from the plugin first.
    pub eks: EksName,
    /// The namespace of the context.
    pub namespace: String,
    certificates: Option<Vec<Vec<u8>>>,
}

/// How the chosen user signs in.
pub enum ChosenUser {
    /// With nothing.
    Nobody,
    /// With a plugin.
    Exec(ChosenExec),
    /// With a token that stands there, maybe before a plugin.
    Token(SecretString, bool),
    /// With something else, in words.
    Other(&'static str),
}

/// An exec plugin.
#[derive(Clone)]
pub struct ChosenExec {
    pub api_version: Option<String>,
    pub command: String,
    pub args: Vec<String>,
    /// Some of the values may be secret.
    pub env: Vec<(String, String)>,
    pub has_interactive_mode: bool,
    /// The cluster's name among the arguments.
    pub cluster: Option<String>,
    /// `--profile` among them.
    pub profile: Option<String>,
    /// `--role-arn` among them.
    pub role: Option<String>,
}

impl ChosenExec {
    /// Whether there is something to run.
    pub fn can_run(&self) -> bool {
        !self.command.is_empty()
    }

    /// The command with its arguments, as a shell takes it.
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.command).chain(&self.args);
        command_line(words.map(String::as_str))
    }

    fn of(exec: &ExecConfig) -> Self {
        let pair = |pair: &std::collections::HashMap<String, String>| {
            Some((pair.get("name")?.clone(), pair.get("value")?.clone()))
        };
        Self {
            api_version: exec.api_version.clone(),
            command: exec.command.clone().unwrap_or_default(),
            args: exec.args.clone().unwrap_or_default(),
            env: exec.env.iter().flatten().filter_map(pair).collect(),
            has_interactive_mode: exec.interactive_mode.is_some(),
            cluster: EksName::of_plugin(exec),
            profile: argument(exec, &["--profile"]),
            role: argument(exec, &["--role-arn", "--role", "-r"]),
        }
    }
}

impl Choice {
    /// Chooses. Reads files, runs nothing, contacts nobody.
    pub fn of(flags: &Flags, environment: &Environment) -> Result<Self, ConnectError> {
        let access = kubeconfig::choose(flags, environment)?;
        let user = &access.config.auth_info;
        Ok(Self {
            entry: EksName::of(None, &access.target),
            eks: EksName::of(user.exec.as_ref(), &access.target),
            user: ChosenUser::of(user),
            namespace: access.namespace.unwrap_or_else(|| "default".to_owned()),
            certificates: access
                .config
                .root_cert
                .filter(|_| !access.config.accept_invalid_certs),
            target: access.target,
        })
    }

    /// What there is to choose where EKS says which cluster it is: nobody signs in to it yet.
    pub fn at(place: &Place, flags: &Flags) -> Result<Self, ConnectError> {
        let access = access_to(place, flags)?;
        let eks = EksName {
            name: Some(place.eks.name.clone()),
            region: Some(place.eks.region().to_owned()),
        };
        Ok(Self {
            target: access.target,
            user: ChosenUser::Nobody,
            entry: eks.clone(),
            eks,
            namespace: "default".to_owned(),
            certificates: access.config.root_cert,
        })
    }

    /// Its exec plugin, if that is how one signs in.
    pub fn exec(&self) -> Option<&ChosenExec> {
        match &self.user {
            ChosenUser::Exec(exec) => Some(exec),
            _ => None,
        }
    }

    /// Whether these certificates, base64 of PEM as EKS has them, are those that the kubeconfig trusts; `None` when either can't
    /// be told.
    pub fn trusts(&self, authority: &str) -> Option<bool> {
        let pem = BASE64_STANDARD.decode(authority.trim()).ok()?;
        let theirs = kubeconfig::certificates(&pem).ok()?;
        let ours = self.certificates.as_ref()?;
        Some(theirs.iter().any(|certificate| ours.contains(certificate)))
    }
}

impl ChosenUser {
    fn of(user: &AuthInfo) -> Self {
        if let Some(token) = &user.token {
            return Self::Token(token.clone(), user.exec.is_some());
        }
        if let Some(exec) = &user.exec {
            return Self::Exec(ChosenExec::of(exec));
        }
        let has_certificate =
            user.client_certificate.is_some() || user.client_certificate_data.is_some();
        if user.token_file.is_some() {
            Self::Other("the token of a file")
        } else if has_certificate {
            Self::Other("a client certificate")
        } else if user.username.is_some() {
            Self::Other("a password")
        } else if user.auth_provider.is_some() {
            Self::Other("an auth provider")
        } else {
            Self::Nobody
        }
    }
}

/// Which files are read, in words.
pub fn files(flags: &Flags, environment: &Environment) -> String {
    let shown = |path: &Path| path.display().to_string();
    if let Some(path) = &flags.kubeconfig {
        return shown(path);
    }
    if let Some(list) = &environment.kubeconfig {
        return list.to_string_lossy().into_owned();
    }
    let default = environment.home.as_ref();
    let default = default.map(|home| home.join(".kube").join("config"));
    match default.filter(|path| path.exists() || !environment.is_pod()) {
        Some(path) => shown(&path),
        None => "the pod's service account".to_owned(),
    }
}
