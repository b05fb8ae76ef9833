//! Errors from preparing a connection.

use std::io;
use std::path::PathBuf;

use kube::client::{AuthError, RustlsTlsError};
use kube::config::{ExecConfig, KubeconfigError, LoadDataError};
use thiserror::Error;

use crate::command_line::command_line;
use crate::error_kind::ErrorKind;
use awsauth_core::endpoint_trust::UntrustedEndpoint;
use awsauth_core::redact;
use awsauth_core::shell_quote::quoted;

/// Why no connection could be set up. No request was sent.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// A file that the flags or the kubeconfig name cannot be read.
    #[error("cannot read {what} {}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// The file is not a kubeconfig.
    #[error("{} is not a kubeconfig{}", path.display(), line.map(|line| format!(": line {line} cannot be read")).unwrap_or_default())]
    NotAKubeconfig {
        path: PathBuf,
        /// The line that cannot be read, counted from 1.
        line: Option<u64>,
    },
    /// The files of `KUBECONFIG` cannot be merged.
    #[error("the files of KUBECONFIG cannot be merged")]
    KubeconfigsDiffer { source: KubeconfigError },
    /// There is neither a kubeconfig nor a pod's service account.
    #[error(
        "no cluster is configured: there is no kubeconfig, and this is not a pod with a service account"
    )]
    NoCluster,
    /// The kubeconfig has no current context, and the flags select none.
    #[error("no context is chosen: the kubeconfig has no current-context")]
    NoCurrentContext,
    /// The kubeconfig has no entry of this name.
    #[error("the kubeconfig has no {what} {name:?}")]
    NotInKubeconfig {
        /// `context` or `cluster`.
        what: &'static str,
        name: String,
    },
    /// The user does not exist in the kubeconfig.
    #[error("the kubeconfig has no user {name:?}")]
    NoSuchUser {
        name: String,
        /// The context that names it.
        context: Option<String>,
        /// The users that exist.
        users: Vec<String>,
    },
    /// The server is not an `http:` or `https:` URL.
    #[error("{server:?} is not the URL of an API server")]
    NotAServer { server: String },
    /// A field of the kubeconfig cannot be used.
    #[error("{what} of the kubeconfig {problem}")]
    Data {
        what: &'static str,
        problem: &'static str,
    },
    /// The proxy's URL is not supported.
    #[error("the proxy {proxy:?} is not an http, https or socks5 URL")]
    Proxy {
        /// The URL without user and password.
        proxy: String,
    },
    /// `--as-group` or `--as-uid` without `--as`.
    #[error("groups or a UID are impersonated, but no user")]
    ImpersonatedUserMissing,
    /// Credentials are not available.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Credentials must not be sent to the server.
    #[error(transparent)]
    Untrusted(#[from] UntrustedEndpoint),
}

impl ConnectError {
    /// Returns the kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Credentials(_) => ErrorKind::Denied,
            Self::Untrusted(_) => ErrorKind::Refused,
            _ => ErrorKind::Input,
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> String {
        match self {
            Self::File { what: "the kubeconfig", .. } => {
                "correct KUBECONFIG or --kubeconfig FILE, or write a kubeconfig: awsauth kubeconfig --cluster-name CLUSTER".into()
            }
            Self::File { .. } => {
                "write the entry again: awsauth kubeconfig --cluster-name CLUSTER".into()
            }
            Self::NotAKubeconfig { .. } => {
                "correct that line, or name another kubeconfig with --kubeconfig FILE".into()
            }
            Self::KubeconfigsDiffer { .. } => "name one kubeconfig: --kubeconfig FILE".into(),
            Self::NoCluster => "write a kubeconfig: awsauth kubeconfig --cluster-name CLUSTER".into(),
            Self::NoCurrentContext => "name one with --context NAME; list them: kubectl config get-contexts".into(),
            Self::NotInKubeconfig { what: "context", .. } => "list the contexts: kubectl config get-contexts".into(),
            Self::NotInKubeconfig { .. } => "list the clusters: kubectl config get-clusters".into(),
            Self::NoSuchUser { context, users, .. } => {
                let listed = match users.as_slice() {
                    [] => "write one: awsauth kubeconfig --cluster-name CLUSTER".into(),
                    users => format!("the users are {}", users.join(", ")),
                };
                let context = context.as_deref().map_or_else(|| "--current".to_owned(), quoted);
                let user = users.first().map_or("USER", String::as_str);
                let user = quoted(&format!("--user={user}"));
                format!("select a user that exists: kubectl config set-context {context} {user}; {listed}")
            }
            Self::NotAServer { server } => {
                let trimmed = server.trim();
                match trimmed == server {
                    true => "give it as --server https://HOST[:PORT]".into(),
                    false => format!(
                        "remove the space around the server in the cluster entry of the kubeconfig: kubectl config set-cluster CLUSTER {}",
                        quoted(&format!("--server={trimmed}"))
                    ),
                }
            }
            Self::Data { .. } => "write the entry again: awsauth kubeconfig --cluster-name CLUSTER".into(),
            Self::Proxy { .. } => "set proxy-url in the kubeconfig or HTTPS_PROXY to a URL such as http://HOST:PORT".into(),
            Self::ImpersonatedUserMissing => "add --as USER".into(),
            Self::Credentials(error) => error.hint(),
            Self::Untrusted(error) => error.hint(None),
        }
    }

    /// Converts kube's error about a kubeconfig.
    pub fn of_data(error: KubeconfigError) -> Self {
        let (what, error) = match error {
            KubeconfigError::LoadCertificateAuthority(error) => ("certificate-authority", error),
            KubeconfigError::LoadClientCertificate(error) => ("client-certificate", error),
            KubeconfigError::LoadClientKey(error) => ("client-key", error),
            source => return Self::KubeconfigsDiffer { source },
        };
        match error {
            LoadDataError::ReadFile(source, path) => Self::File { what, path, source },
            LoadDataError::DecodeBase64(_) => Self::Data {
                what,
                problem: "is not base64",
            },
            LoadDataError::NoBase64DataOrFile => Self::Data {
                what,
                problem: "is missing",
            },
        }
    }

    /// Converts kube's error from building a client. The result never contains a key.
    pub(crate) fn of_client(error: kube::Error) -> Self {
        let what = "the client certificate or its key";
        match error {
            kube::Error::InferKubeconfig(error) => Self::of_data(error),
            kube::Error::RustlsTls(RustlsTlsError::MissingPrivateKey) => Self::Data {
                what,
                problem: "contains no private key",
            },
            kube::Error::RustlsTls(RustlsTlsError::AddRootCertificate(_)) => Self::Data {
                what: "certificate-authority-data",
                problem: "contains a certificate that cannot be used",
            },
            kube::Error::RustlsTls(RustlsTlsError::InvalidServerName(_)) => Self::Data {
                what: "tls-server-name",
                problem: "is not a host name",
            },
            kube::Error::RustlsTls(_) => Self::Data {
                what,
                problem: "cannot be used",
            },
            kube::Error::HttpError(_) => Self::Data {
                what: "the impersonated user",
                problem: "cannot be sent in a header",
            },
            _ => Self::Data {
                what: "an entry",
                problem: "cannot be used",
            },
        }
    }
}

/// Why credentials are not available.
#[derive(Debug, Error)]
pub enum CredentialsError {
    /// The kubeconfig's exec plugin is not installed.
    #[error("the credential plugin {command:?} of the kubeconfig is not installed")]
    PluginMissing {
        /// The `command` without secrets.
        command: String,
        /// The kubeconfig's `installHint`, without secrets.
        install_hint: Option<String>,
    },
    /// The plugin cannot be run.
    #[error("the credential plugin {command:?} cannot be run")]
    PluginNotRun {
        /// The `command` without secrets.
        command: String,
        source: io::Error,
    },
    /// The plugin failed.
    #[error(
        "the credential plugin {command:?} failed with {status}{}",
        colon(stderr)
    )]
    PluginFailed {
        /// The command line for a POSIX shell, without secrets.
        command: String,
        status: String,
        /// The last line of its stderr without secrets; empty if the plugin wrote directly to the terminal.
        stderr: String,
    },
    /// The output of the plugin contains no credentials.
    #[error("the credential plugin {command:?} printed no credentials")]
    PluginOutput {
        /// The command line for a POSIX shell, without secrets.
        command: String,
    },
    /// The token file cannot be read.
    #[error("cannot read the token file {}", path.display())]
    TokenFile { path: PathBuf, source: io::Error },
    /// The credentials of the kubeconfig cannot be used.
    #[error("the credentials of the kubeconfig cannot be used")]
    Unusable,
}

fn colon(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!(": {stderr}")
    }
}

impl CredentialsError {
    /// Returns the next step for the user.
    pub fn hint(&self) -> String {
        match self {
            Self::PluginMissing {
                install_hint: Some(hint),
                ..
            } if !hint.trim().is_empty() => hint.trim().to_owned(),
            Self::PluginMissing { command, .. } if command == "aws" => {
                "install the AWS CLI, or put it on PATH: command -v aws".into()
            }
            Self::PluginMissing { command, .. } => {
                format!(
                    "install it, or put it on PATH: command -v {}",
                    quoted(command)
                )
            }
            Self::PluginNotRun { command, .. } => {
                format!(
                    "check that it is executable: ls -l \"$(command -v {})\"",
                    quoted(command)
                )
            }
            Self::PluginFailed { command, .. } | Self::PluginOutput { command } => {
                format!("run it separately: {command}")
            }
            Self::TokenFile { .. } => "check that it exists and that this user may read it".into(),
            Self::Unusable => {
                "write the entry again: awsauth kubeconfig --cluster-name CLUSTER".into()
            }
        }
    }

    /// Converts kube's error about credentials, without secrets and without anything that the plugin printed to stdout.
    pub fn of(error: &AuthError, exec: Option<&ExecConfig>) -> Self {
        let program = exec
            .and_then(|exec| exec.command.clone())
            .unwrap_or_default();
        let arguments = exec.and_then(|exec| exec.args.clone()).unwrap_or_default();
        let words = redact::arguments(std::iter::once(program).chain(arguments));
        let command = command_line(words.iter().map(String::as_str));
        // It may be a whole command line by mistake.
        let program = words.into_iter().next().unwrap_or_default();
        let copy = |error: &io::Error| match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::from(error.kind()),
        };
        match error {
            AuthError::AuthExecStart(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::PluginMissing {
                    command: program,
                    install_hint: exec
                        .and_then(|exec| exec.install_hint.as_deref().map(redact::text)),
                }
            }
            AuthError::AuthExecStart(error) => Self::PluginNotRun {
                command: program,
                source: copy(error),
            },
            AuthError::AuthExecRun { out, .. } => Self::PluginFailed {
                command,
                status: out.status.to_string(),
                stderr: redact::text(&last_line(&out.stderr)),
            },
            AuthError::AuthExecParse(_)
            | AuthError::ExecPluginFailed
            | AuthError::MalformedTokenExpirationDate(_) => Self::PluginOutput { command },
            AuthError::ReadTokenFile(error, path) => Self::TokenFile {
                path: path.clone(),
                source: copy(error),
            },
            _ => Self::Unusable,
        }
    }
}

/// Returns the last line that is not empty.
fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}
