//! Why no connection could be set up.

use std::io;
use std::path::PathBuf;

use kube::client::{AuthError, RustlsTlsError};
use kube::config::{ExecConfig, KubeconfigError, LoadDataError};
use thiserror::Error;

use crate::command_line::{command_line, quoted};
use crate::kind::Kind;

/// Why no connection could be set up. The API server was not contacted.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// A file that the flags or the kubeconfig name can't be read.
    #[error("can't read {what} {}", path.display())]
    File {
        /// What the file is.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// Why it can't be read.
        source: io::Error,
    },
    /// The file is not a kubeconfig.
    #[error("{} is not a kubeconfig{}", path.display(), line.map(|line| format!(": line {line} can't be read")).unwrap_or_default())]
    NotAKubeconfig {
        /// The file.
        path: PathBuf,
        /// The line that can't be read, counted from 1.
        line: Option<u64>,
    },
    /// The kubeconfigs of the list can't be merged.
    #[error("the files of KUBECONFIG can't be merged")]
    KubeconfigsDiffer {
        /// What differs.
        source: KubeconfigError,
    },
    /// Neither a kubeconfig nor a pod's service account is there.
    #[error(
        "no cluster is configured: there is no kubeconfig, and this is not a pod with a service account"
    )]
    NoCluster,
    /// The kubeconfig has no current context and none was named.
    #[error("no context is chosen: the kubeconfig has no current-context")]
    NoCurrentContext,
    /// A name that the kubeconfig doesn't have.
    #[error("the kubeconfig has no {what} {name:?}")]
    NoSuch {
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The name that was looked for.
        name: String,
    },
    /// The server is not an `http:` or `https:` URL.
    #[error("{server:?} is not the URL of an API server")]
    NotAServer {
        /// As it was given.
        server: String,
    },
    /// A field of the kubeconfig can't be used.
    #[error("{what} of the kubeconfig {problem}")]
    Data {
        /// The field.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The proxy is not one that can be used.
    #[error("the proxy {proxy:?} is not an http, https or socks5 URL")]
    Proxy {
        /// The URL without user and password.
        proxy: String,
    },
    /// `--as-group` or `--as-uid` without `--as`.
    #[error("groups or a UID are impersonated, but no user")]
    ImpersonatesNobody,
    /// No credentials could be had.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

impl ConnectError {
    /// Which sort of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Credentials(_) => Kind::Denied,
            _ => Kind::Input,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::File { .. } | Self::NotAKubeconfig { .. } => {
                "name another kubeconfig with --kubeconfig FILE, or write one: awsauth kubeconfig --cluster-name CLUSTER".into()
            }
            Self::KubeconfigsDiffer { .. } => "name one kubeconfig: --kubeconfig FILE".into(),
            Self::NoCluster => "write a kubeconfig: awsauth kubeconfig --cluster-name CLUSTER".into(),
            Self::NoCurrentContext => "name one with --context NAME; list them: kubectl config get-contexts".into(),
            Self::NoSuch { what: "context", .. } => "list the contexts: kubectl config get-contexts".into(),
            Self::NoSuch { what: "cluster", .. } => "list the clusters: kubectl config get-clusters".into(),
            Self::NoSuch { .. } => "list the users: kubectl config get-users".into(),
            Self::NotAServer { .. } => "give it as --server https://HOST[:PORT]".into(),
            Self::Data { .. } => "write the entry again: awsauth kubeconfig --cluster-name CLUSTER".into(),
            Self::Proxy { .. } => "set proxy-url in the kubeconfig or HTTPS_PROXY to a URL such as http://HOST:PORT".into(),
            Self::ImpersonatesNobody => "add --as USER".into(),
            Self::Credentials(error) => error.hint(),
        }
    }

    /// What kube says about the data of a kubeconfig, without its causes in the text.
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

    /// What kube says while the client is built, never with the text of a key.
    pub fn of_client(error: kube::Error) -> Self {
        let what = "the client certificate or its key";
        match error {
            kube::Error::InferKubeconfig(error) => Self::of_data(error),
            kube::Error::RustlsTls(RustlsTlsError::MissingPrivateKey) => Self::Data {
                what,
                problem: "holds no private key",
            },
            kube::Error::RustlsTls(RustlsTlsError::AddRootCertificate(_)) => Self::Data {
                what: "certificate-authority-data",
                problem: "holds a certificate that can't be used",
            },
            kube::Error::RustlsTls(RustlsTlsError::InvalidServerName(_)) => Self::Data {
                what: "tls-server-name",
                problem: "is not a host name",
            },
            kube::Error::RustlsTls(_) => Self::Data {
                what,
                problem: "can't be used",
            },
            kube::Error::HttpError(_) => Self::Data {
                what: "the impersonated user",
                problem: "can't stand in a header",
            },
            _ => Self::Data {
                what: "an entry",
                problem: "can't be used",
            },
        }
    }
}

/// Why no credentials could be had.
#[derive(Debug, Error)]
pub enum CredentialsError {
    /// The kubeconfig's exec plugin is not installed.
    #[error("the credential plugin {command:?} of the kubeconfig is not installed")]
    PluginMissing {
        /// The command.
        command: String,
        /// The kubeconfig's `installHint`.
        install_hint: Option<String>,
    },
    /// The plugin can't be run.
    #[error("the credential plugin {command:?} can't be run")]
    PluginNotRun {
        /// The command.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// The plugin failed.
    #[error(
        "the credential plugin {command:?} failed with {status}{}",
        said(stderr)
    )]
    PluginFailed {
        /// The command with its arguments, as a shell takes it.
        command: String,
        /// Its exit status.
        status: String,
        /// What it wrote to stderr, unless that went to the terminal.
        stderr: String,
    },
    /// What the plugin printed holds no credentials.
    #[error("the credential plugin {command:?} printed no credentials")]
    PluginAnswer {
        /// The command with its arguments.
        command: String,
    },
    /// The token file can't be read.
    #[error("can't read the token file {}", path.display())]
    TokenFile {
        /// Where it should be.
        path: PathBuf,
        /// Why it can't be read.
        source: io::Error,
    },
    /// The credentials of the kubeconfig can't be used.
    #[error("the credentials of the kubeconfig can't be used")]
    Unusable,
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!(": {stderr}")
    }
}

impl CredentialsError {
    /// What to do next.
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
                    "see whether it may be executed: ls -l \"$(command -v {})\"",
                    quoted(command)
                )
            }
            Self::PluginFailed { command, .. } | Self::PluginAnswer { command } => {
                format!("run it by itself: {command}")
            }
            Self::TokenFile { .. } => "see whether it exists and may be read by this user".into(),
            Self::Unusable => {
                "write the entry again: awsauth kubeconfig --cluster-name CLUSTER".into()
            }
        }
    }

    /// What kube says about credentials, without anything that the plugin printed to stdout.
    pub fn of(error: &AuthError, exec: Option<&ExecConfig>) -> Self {
        let program = exec
            .and_then(|exec| exec.command.clone())
            .unwrap_or_default();
        let arguments = exec.and_then(|exec| exec.args.clone()).unwrap_or_default();
        let words = std::iter::once(&program).chain(&arguments);
        let command = command_line(words.map(String::as_str));
        let copy = |error: &io::Error| match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::from(error.kind()),
        };
        match error {
            AuthError::AuthExecStart(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::PluginMissing {
                    command: program,
                    install_hint: exec.and_then(|exec| exec.install_hint.clone()),
                }
            }
            AuthError::AuthExecStart(error) => Self::PluginNotRun {
                command: program,
                source: copy(error),
            },
            AuthError::AuthExecRun { out, .. } => Self::PluginFailed {
                command,
                status: out.status.to_string(),
                stderr: last_line(&out.stderr),
            },
            AuthError::AuthExecParse(_)
            | AuthError::ExecPluginFailed
            | AuthError::MalformedTokenExpirationDate(_) => Self::PluginAnswer { command },
            AuthError::ReadTokenFile(error, path) => Self::TokenFile {
                path: path.clone(),
                source: copy(error),
            },
            _ => Self::Unusable,
        }
    }
}

/// The last line that says something.
fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}
