//! The entries of a kubeconfig that flags and environment select, as plain data.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode, Kubeconfig};
use secrecy::SecretString;
use serde_json::Value;

use super::command_line::command_line;
use super::connect::{ConnectError, EksEndpoint, access_to};
use super::connection_target::Target;
use super::eks_name::{EksName, argument};
use super::environment::Environment;
use super::kubeconfig::{self, Flags, Loaded};
use super::proxy::without_user_info;
use awsauth_core::endpoint_trust::Server;
use awsauth_core::redact;

/// The cluster, the user and the namespace that flags and environment select.
pub struct SelectedContext {
    pub target: Target,
    pub user: SelectedUser,
    /// The cluster's EKS name and region, according to the entry's names and server.
    pub entry: EksName,
    /// The cluster's EKS name and region, first of all according to the credential plugin.
    pub eks: EksName,
    pub namespace: String,
    /// The user that this user impersonates, according to the kubeconfig or `--as`.
    pub impersonates: Option<String>,
    /// Another user entry whose plugin makes tokens for the cluster of [`entry`](Self::entry).
    pub matching_user: Option<String>,
    /// Whether a context of another cluster entry has the same user entry.
    pub has_shared_user: bool,
    /// The server, and how connections to it are verified.
    pub server: Server,
    /// The kubeconfig's `proxy-url`, without user and password.
    pub proxy_url: Option<String>,
}

/// How the selected user authenticates.
pub enum SelectedUser {
    /// Without credentials.
    Anonymous,
    /// With an exec plugin.
    Exec(ExecPlugin),
    /// With a token in the kubeconfig, which takes precedence over an exec plugin next to it.
    Token(SecretString, Option<ExecPlugin>),
    /// With the token in this file.
    TokenFile(PathBuf),
    /// With other credentials, named for messages.
    Other(&'static str),
}

/// A credential plugin of a kubeconfig.
#[derive(Clone)]
pub struct ExecPlugin {
    pub api_version: Option<String>,
    pub command: String,
    pub args: Vec<String>,
    /// Some of the values may be secret.
    pub env: Vec<(String, String)>,
    pub has_interactive_mode: bool,
    /// Whether `interactiveMode` is `Always`.
    pub needs_terminal: bool,
    /// The cluster's name among the arguments.
    pub cluster: Option<String>,
    /// The value of `--profile`.
    pub profile: Option<String>,
    /// The value of `--role-arn`.
    pub role: Option<String>,
}

impl ExecPlugin {
    /// Whether the plugin has a command.
    pub fn can_run(&self) -> bool {
        !self.command.is_empty()
    }

    /// Returns the command line for a POSIX shell, without secrets.
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.command).chain(&self.args);
        let words = redact::arguments(words.cloned());
        command_line(words.iter().map(String::as_str))
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
            needs_terminal: exec.interactive_mode == Some(ExecInteractiveMode::Always),
            cluster: EksName::of_plugin(exec),
            profile: argument(exec, &["--profile"]),
            role: argument(exec, &["--role-arn", "--role", "-r"]),
        }
    }
}

impl SelectedContext {
    /// Reads the kubeconfig. Runs no plugin and sends no request.
    pub fn of(flags: &Flags, environment: &Environment) -> Result<Self, ConnectError> {
        let access = kubeconfig::choose(flags, environment)?;
        let user = &access.config.auth_info;
        let entry = EksName::of(None, &access.target);
        let loaded = kubeconfig::read_once(flags, environment).ok();
        let all = loaded.as_ref().map(|Loaded(all)| &**all);
        let named = entry.name.as_deref();
        let proxy = access.proxy_url.as_deref().filter(|url| !url.is_empty());
        Ok(Self {
            matching_user: all.and_then(|all| matching_user(all, named?, &access.target)),
            has_shared_user: all.is_some_and(|all| has_shared_user(all, &access.target)),
            entry,
            eks: EksName::of(user.exec.as_ref(), &access.target),
            user: SelectedUser::of(user),
            impersonates: user.impersonate.clone().filter(|name| !name.is_empty()),
            server: access.server(),
            proxy_url: proxy.map(without_user_info),
            namespace: access.namespace.unwrap_or_else(|| "default".to_owned()),
            target: access.target,
        })
    }

    /// Returns the context of a cluster that EKS described, without credentials.
    pub fn at(place: &EksEndpoint, flags: &Flags) -> Result<Self, ConnectError> {
        let access = access_to(place, flags)?;
        let eks = EksName {
            name: Some(place.eks.name.clone()),
            region: Some(place.eks.region().to_owned()),
            ..EksName::default()
        };
        Ok(Self {
            server: access.server(),
            proxy_url: None,
            target: access.target,
            user: SelectedUser::Anonymous,
            entry: eks.clone(),
            eks,
            namespace: "default".to_owned(),
            impersonates: None,
            matching_user: None,
            has_shared_user: false,
        })
    }

    /// Returns the exec plugin, if the user authenticates with one.
    pub fn exec(&self) -> Option<&ExecPlugin> {
        match &self.user {
            SelectedUser::Exec(exec) => Some(exec),
            _ => None,
        }
    }

    /// Returns the exec plugin of the user entry, even if a token takes precedence over it.
    pub fn configured_exec(&self) -> Option<&ExecPlugin> {
        match &self.user {
            SelectedUser::Exec(exec) | SelectedUser::Token(_, Some(exec)) => Some(exec),
            _ => None,
        }
    }

    /// Whether the kubeconfig trusts one of these certificates (base64 of PEM, as EKS returns them); `None` if either
    /// side cannot be read.
    pub fn trusts(&self, authority: &str) -> Option<bool> {
        let pem = BASE64_STANDARD.decode(authority.trim()).ok()?;
        let theirs = kubeconfig::certificates(&pem).ok()?;
        let ours = self.server.authorities.as_ref();
        let ours = ours.filter(|_| !self.server.skips_verification)?;
        Some(theirs.iter().any(|certificate| ours.contains(certificate)))
    }
}

impl SelectedUser {
    fn of(user: &AuthInfo) -> Self {
        if let Some(token) = &user.token {
            return Self::Token(token.clone(), user.exec.as_ref().map(ExecPlugin::of));
        }
        if let Some(exec) = &user.exec {
            return Self::Exec(ExecPlugin::of(exec));
        }
        let has_certificate =
            user.client_certificate.is_some() || user.client_certificate_data.is_some();
        if let Some(path) = &user.token_file {
            Self::TokenFile(path.into())
        } else if has_certificate {
            Self::Other("a client certificate")
        } else if user.username.is_some() {
            Self::Other("a password")
        } else if user.auth_provider.is_some() {
            Self::Other("an auth provider")
        } else {
            Self::Anonymous
        }
    }
}

/// Returns the first other user entry whose plugin makes tokens for the cluster of this name.
fn matching_user(all: &Kubeconfig, cluster: &str, target: &Target) -> Option<String> {
    let mut others = all
        .auth_infos
        .iter()
        .filter(|named| Some(&named.name) != target.user.as_ref());
    let found = others.find(|named| {
        let exec = named.auth_info.as_ref().and_then(|user| user.exec.as_ref());
        exec.and_then(EksName::of_plugin).as_deref() == Some(cluster)
    });
    found.map(|named| named.name.clone())
}

/// Returns whether a context of another cluster entry has the user entry.
fn has_shared_user(all: &Kubeconfig, target: &Target) -> bool {
    let mut contexts = all
        .contexts
        .iter()
        .filter_map(|named| named.context.as_ref());
    contexts.any(|context| {
        context.user.is_some()
            && context.user == target.user
            && Some(&context.cluster) != target.cluster.as_ref()
    })
}

/// An entry that kubectl ignores, because an earlier file of `KUBECONFIG` has one of the same name.
pub struct IgnoredEntry {
    /// `cluster` or `user`.
    pub kind: &'static str,
    pub name: String,
    /// The file whose entry is used.
    pub used: PathBuf,
    /// The file whose entry is ignored.
    pub ignored: PathBuf,
    /// The cluster that the used entry's plugin makes tokens for.
    pub used_cluster: Option<String>,
    /// The cluster that the ignored entry's plugin makes tokens for.
    pub ignored_cluster: Option<String>,
}

/// Returns the cluster and the user of the selected context that its own file defines, but differently than the earlier
/// file whose entries are used.
pub fn ignored_entries(flags: &Flags, environment: &Environment) -> Vec<IgnoredEntry> {
    let files = kubeconfig::files(flags, environment);
    let current = |file: &Kubeconfig| file.current_context.clone();
    let current = files.iter().find_map(|(_, file)| current(file));
    let name = flags.context.clone().or(current);
    let own = files.iter().find_map(|(path, file)| {
        let mut contexts = file.contexts.iter();
        let named = contexts.find(|named| Some(&named.name) == name.as_ref())?;
        Some((path, file, named.context.as_ref()?))
    });
    let Some((ignored, file, context)) = own else {
        return Vec::new();
    };
    let cluster = flags.cluster.as_ref().unwrap_or(&context.cluster);
    let user = flags.user.as_ref().or(context.user.as_ref());
    let names = [("cluster", Some(cluster)), ("user", user)];
    let found = names.into_iter().filter_map(|(kind, name)| {
        let name = name?;
        let mut with_it = files
            .iter()
            .filter(|(_, file)| of_kind(file, kind, name).is_some());
        let (used, winner) = with_it.next()?;
        let (theirs, own) = (of_kind(winner, kind, name)?, of_kind(file, kind, name)?);
        (theirs != own).then(|| IgnoredEntry {
            kind,
            name: name.clone(),
            used: used.clone(),
            ignored: ignored.clone(),
            used_cluster: token_cluster(winner, kind, name),
            ignored_cluster: token_cluster(file, kind, name),
        })
    });
    found.collect()
}

/// Returns an entry of a kubeconfig, for comparison.
fn of_kind(file: &Kubeconfig, kind: &str, name: &str) -> Option<Value> {
    if kind == "cluster" {
        let named = file.clusters.iter().find(|named| named.name == name)?;
        return serde_json::to_value(&named.cluster).ok();
    }
    let named = file.auth_infos.iter().find(|named| named.name == name)?;
    serde_json::to_value(&named.auth_info).ok()
}

fn token_cluster(file: &Kubeconfig, kind: &str, name: &str) -> Option<String> {
    let mut users = file.auth_infos.iter().filter(|_| kind == "user");
    let user = users.find(|named| named.name == name)?.auth_info.as_ref()?;
    EksName::of_plugin(user.exec.as_ref()?)
}

/// Returns which files are read, for messages.
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
