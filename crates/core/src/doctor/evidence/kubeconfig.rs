//! Evidence from the kubeconfig and its exec plugin.

use core::net::IpAddr;
use std::borrow::Cow;

use jiff::SignedDuration;

/// The cluster and user that a kubeconfig selects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The kubeconfig files.
    pub files: String,
    pub context: Option<String>,
    /// The name of the cluster entry.
    pub cluster: Option<String>,
    /// The name of the user entry.
    pub user_name: Option<String>,
    /// The URL of the API server.
    pub server: String,
    /// The cluster entry's `tls-server-name`.
    pub tls_server_name: Option<String>,
    /// Whether the cluster entry has both `insecure-skip-tls-verify` and a certificate authority, which kubectl refuses.
    pub is_insecure_with_authority: bool,
    /// Whether the cluster entry has neither a certificate authority nor `insecure-skip-tls-verify`.
    pub lacks_authority: bool,
    pub user: User,
    /// The cluster name at EKS that the entries give, without the plugin's arguments.
    pub named: Option<String>,
    /// The cluster name at EKS according to the plugin's arguments.
    pub plugin_named: Option<String>,
    /// The cluster's region, if known.
    pub region: Option<String>,
    /// The cluster's AWS account, if the name of an entry is its ARN.
    pub account: Option<String>,
    /// The namespace of the context; empty for `default`.
    pub namespace: String,
    /// The user that the kubeconfig's user impersonates.
    pub impersonates: Option<String>,
    /// A `kubectl` command with the context.
    pub kubectl: String,
    /// The cluster entry's `proxy-url`, without user and password.
    pub proxy_url: Option<String>,
    /// Another user entry whose exec plugin makes tokens for the cluster of the entries.
    pub matching_user: Option<String>,
    /// Whether a context of another cluster has the same user.
    pub has_shared_user: bool,
    /// The entries of the context's file that an earlier file of `KUBECONFIG` defines differently.
    pub ignored: Vec<IgnoredEntry>,
}

/// An entry of a kubeconfig that kubectl ignores, because an earlier file has one of the same name.
/// <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/#merging-kubeconfig-files>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredEntry {
    /// `cluster` or `user`.
    pub kind: &'static str,
    pub name: String,
    /// The file whose entry is used.
    pub used: String,
    /// The file whose entry is ignored.
    pub ignored: String,
    /// The cluster that the used entry's plugin makes tokens for.
    pub used_cluster: Option<String>,
    /// The cluster that the ignored entry's plugin makes tokens for.
    pub ignored_cluster: Option<String>,
}

impl Entry {
    /// Returns whether the server is on this machine, so that a tunnel must lead from there to the cluster.
    pub(in crate::doctor) fn is_on_this_machine(&self) -> bool {
        let (_, rest) = self.server.split_once("://").unwrap_or(("", &self.server));
        let authority = rest.split('/').next().unwrap_or(rest);
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => host,
            _ => authority,
        };
        let host = host.trim_matches(['[', ']']);
        let is_loopback = host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        host.eq_ignore_ascii_case("localhost") || is_loopback
    }

    /// Returns the cluster name that a token must be signed for, if the kubeconfig has it.
    pub fn eks_name(&self) -> Option<&str> {
        self.plugin_named.as_deref().or(self.named.as_deref())
    }

    /// Returns the flags that select the cluster at EKS, if its name is known.
    pub(in crate::doctor) fn flags(&self) -> String {
        let Some(name) = self.eks_name() else {
            return String::new();
        };
        let region = self.region.as_deref();
        let region = region.map_or_else(String::new, |region| format!(" --region {region}"));
        format!(
            " --cluster-name {}{region}",
            crate::shell_quote::quoted(name)
        )
    }

    /// Returns the profile that the exec plugin's configuration selects, and the setting that selects it.
    pub(in crate::doctor) fn selects_profile(&self) -> Option<(&str, &'static str)> {
        let User::Exec(exec) = &self.user else {
            return None;
        };
        if let Some(profile) = exec.argument(&["--profile"]) {
            return Some((profile, "--profile in the plugin's args"));
        }
        let (_, profile) = exec.env.iter().find(|(name, _)| name == "AWS_PROFILE")?;
        Some((profile, "AWS_PROFILE in the plugin's env"))
    }

    /// Returns the command that changes the cluster entry, with the flags of `kubectl config set-cluster`; or else `change`
    /// in words.
    pub(in crate::doctor) fn change_cluster(&self, flags: &str, change: &str) -> String {
        match &self.cluster {
            Some(name) => format!(
                "{change}: {} config set-cluster {} {flags}",
                self.kubectl,
                crate::shell_quote::quoted(name)
            ),
            None => change.to_owned(),
        }
    }

    /// Returns the command that changes only the user's exec plugin, with the flags of `kubectl config set-credentials`;
    /// `None` if the user has no exec plugin or no name.
    pub(in crate::doctor) fn change_plugin(&self, flags: &str) -> Option<String> {
        let (User::Exec(_), Some(name)) = (&self.user, &self.user_name) else {
            return None;
        };
        let name = crate::shell_quote::quoted(name);
        Some(format!(
            "{} config set-credentials {name} {flags}",
            self.kubectl
        ))
    }

    /// Returns `change` in words, with the command that gives the user's exec plugin this program and these arguments, if
    /// [`change_plugin`](Self::change_plugin) can.
    pub(in crate::doctor) fn change_plugin_command<'a>(
        &self,
        change: String,
        program: &str,
        args: impl Iterator<Item = &'a str>,
    ) -> String {
        let command = Exec::flags(program, args).and_then(|flags| self.change_plugin(&flags));
        match command {
            Some(command) => format!("{change}: {command}"),
            None => change,
        }
    }

    /// Returns the command that makes awsauth the user's exec plugin, with the same AWS identity; `None` if the name of the cluster or of
    /// the user is unknown, or a value is hidden.
    pub(in crate::doctor) fn awsauth_as_plugin(&self) -> Option<String> {
        let name = self.named.as_deref().or(self.plugin_named.as_deref())?;
        let mut args = vec!["token", "--cluster-name", name];
        if let Some(region) = &self.region {
            args.extend(["--region", region]);
        }
        // The variables of the plugin stay.
        let has_variable = self
            .selects_profile()
            .is_some_and(|(_, place)| place.ends_with("env"));
        for (flag, value) in self.identity() {
            let value = value.filter(|_| !(has_variable && flag == "--profile"));
            args.extend(value.into_iter().flat_map(|value| [flag, value]));
        }
        let flags = Exec::flags("awsauth", args.into_iter())?;
        let user = crate::shell_quote::quoted(self.user_name.as_deref()?);
        Some(format!(
            "{} config set-credentials {user} --exec-api-version=client.authentication.k8s.io/v1beta1 {flags}",
            self.kubectl
        ))
    }

    /// Returns the command that rewrites the entries, with the same AWS identity.
    pub(in crate::doctor) fn rewrite(&self) -> String {
        let name = self.named.as_deref().or(self.plugin_named.as_deref());
        let name = crate::shell_quote::quoted(name.unwrap_or("NAME"));
        let region = self.region.as_deref();
        let region = region.map_or_else(String::new, |region| format!(" --region {region}"));
        let alias = self.context.as_deref();
        // A context that is named by an ARN has the name that awsauth gives it, so it needs no --alias.
        let alias = alias.filter(|alias| !alias.starts_with("arn:"));
        let identity = self.identity();
        let flags = [("--alias", alias)].into_iter().chain(identity);
        let flags = flags.filter_map(|(flag, value)| {
            // Some values are hidden.
            let value = value.map(|value| {
                if value.contains('…') {
                    "VALUE"
                } else {
                    value
                }
            })?;
            Some(format!(" {flag} {}", crate::shell_quote::quoted(value)))
        });
        let flags: String = flags.collect();
        format!("awsauth kubeconfig --cluster-name {name}{region}{flags}")
    }
}

impl Entry {
    /// Returns the awsauth flags that select the exec plugin's AWS identity.
    fn identity(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        // As the AWS CLI, aws-iam-authenticator and awsauth name them.
        const FLAGS: [(&str, &[&str]); 3] = [
            ("--role-arn", &["--role-arn", "--role", "-r"]),
            (
                "--role-session-name",
                &["--role-session-name", "--session-name", "-s"],
            ),
            ("--external-id", &["--external-id", "-e"]),
        ];
        let exec = match &self.user {
            User::Exec(exec) => Some(exec),
            _ => None,
        };
        let profile = self.selects_profile().map(|(profile, _)| profile);
        let others = FLAGS.into_iter();
        let others =
            others.map(move |(flag, names)| (flag, exec.and_then(|it| it.argument(names))));
        [("--profile", profile)].into_iter().chain(others)
    }
}

/// How a kubeconfig signs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum User {
    /// No credentials.
    #[default]
    Anonymous,
    /// An exec plugin.
    Exec(Exec),
    /// With a static token.
    Token {
        /// The time of the signature, if it is a readable EKS token.
        signed: Option<jiff::Timestamp>,
        /// Whether it is an EKS token.
        is_eks: bool,
        /// Whether the user entry also has an exec plugin, which then does not run.
        overrides_plugin: bool,
    },
    /// With the token in a file.
    TokenFile {
        path: String,
        /// Why it cannot be read.
        fault: Option<String>,
    },
    /// A certificate, a password, or a pod's service account.
    Other(String),
}

/// The variables of an exec plugin that `doctor` uses for its own requests to AWS: they name or contain credentials, or
/// select the region and the STS endpoint. With other variables, a kubeconfig could send the user's requests or files
/// to any server, or choose the service that confirms to `doctor` that the server belongs to EKS.
pub const ADOPTED_VARIABLES: [&str; 12] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
];

/// An exec plugin as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    pub api_version: Option<String>,
    pub command: String,
    pub args: Vec<String>,
    /// The variables in `env`. Values that may be secret are replaced by `…`.
    pub env: Vec<(String, String)>,
    /// Whether `interactiveMode` is set.
    pub has_interactive_mode: bool,
    /// Whether `interactiveMode` is `Always`, so that the plugin runs only in a terminal.
    pub needs_terminal: bool,
    /// Whether the standard input of this process is a terminal.
    pub has_terminal: bool,
    /// The path of the command; `None` if it was not found.
    pub path: Option<String>,
    /// If there is no such command: a program of this name on the PATH, or the file of a relative path in the home or current folder.
    pub elsewhere: Option<String>,
    /// Why that file cannot be run.
    pub fault: Option<String>,
    /// Whether the environment of this process has AWS keys.
    pub keys_in_environment: bool,
    /// `AWS_PROFILE` of this process.
    pub profile_in_environment: Option<String>,
}

/// Quotes a value that CSV would split into several values.
fn csv(value: &str) -> Cow<'_, str> {
    match value.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")).into(),
        false => value.into(),
    }
}

impl Exec {
    /// Returns the flags of `kubectl config set-credentials` for a command and its arguments; `None` if one is hidden.
    fn flags<'a>(command: &str, args: impl Iterator<Item = &'a str>) -> Option<String> {
        let mut flags = vec![crate::shell_quote::quoted(&format!(
            "--exec-command={command}"
        ))];
        flags.extend(Self::arg_flags(args)?);
        (!command.contains('…')).then(|| flags.join(" "))
    }

    /// Returns the flags for the arguments alone. kubectl reads each as a line of CSV.
    pub(in crate::doctor) fn arg_flags(
        mut args: impl Iterator<Item = impl AsRef<str>>,
    ) -> Option<Vec<String>> {
        args.try_fold(Vec::new(), |mut flags, arg| {
            let arg = arg.as_ref();
            flags.push(crate::shell_quote::quoted(&format!(
                "--exec-arg={}",
                csv(arg)
            )));
            (!arg.contains('…')).then_some(flags)
        })
    }

    /// Returns the value of the first argument that is one of these flags.
    pub(in crate::doctor) fn argument(&self, names: &[&str]) -> Option<&str> {
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            match arg.split_once('=') {
                Some((flag, value)) if names.contains(&flag) => return Some(value),
                None if names.contains(&arg.as_str()) => return args.next().map(String::as_str),
                _ => {}
            }
        }
        None
    }
}

/// A run of the exec plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    pub command: String,
    pub took: SignedDuration,
    /// The exit status in words; `None` for success.
    pub failed: Option<String>,
    /// Its stderr without secrets.
    pub stderr: String,
    /// The `apiVersion` of its output.
    pub api_version: Option<String>,
    /// The length of the token; 0 if there is none.
    pub token_bytes: usize,
    /// The expiration of the token.
    pub expiration: Option<String>,
    /// Why its output is not an ExecCredential.
    pub unreadable: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_kubectl_and_the_shell() {
        let flags = |args: &[&str]| Exec::arg_flags(args.iter()).map(|flags| flags.join(" "));
        let expected = r#"--exec-arg=-i '--exec-arg="a,""b"'"#;
        assert_eq!(flags(&["-i", "a,\"b"]).as_deref(), Some(expected));
        assert_eq!(flags(&["-i", "…"]), None);
    }
}
