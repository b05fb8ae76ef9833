//! Errors of a single request, classified by what the caller can do about them.

mod classify;

use std::sync::Arc;
use std::time::Duration;

use super::connect_error::CredentialsError;
use super::connection_target::Target;
use super::error_kind::ErrorKind;
use super::{NAME, NAMESPACE};
use awsauth_core::shell_quote::quoted;

pub(crate) use classify::{of_answer, of_transport};

/// The underlying error, for the chain of sources.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why no new token could be created.
#[derive(Debug)]
pub struct TokenRenewalError {
    pub cause: Cause,
    pub hint: String,
}

/// A request that failed permanently: the operation, the cluster, and the cause.
#[derive(Debug)]
pub struct RequestError {
    /// The cause.
    pub fault: Fault,
    /// The cluster.
    pub target: Arc<Target>,
    /// The RBAC verb: `get`, `update`, `create`.
    pub verb: &'static str,
}

/// Why a request failed.
#[derive(Debug)]
pub enum Fault {
    /// The server's name does not resolve.
    UnknownHost(String, Cause),
    /// The connection was refused.
    Refused(String, Cause),
    /// The connection timed out.
    ConnectTimedOut(String),
    /// There is no network route to the server.
    NoRoute(String, Cause),
    /// The proxy is unreachable or rejects the connection.
    Proxy(String, Cause),
    /// The server's certificate is expired or not yet valid.
    CertificateExpired(String, Cause),
    /// The server's certificate is not signed by a CA that the kubeconfig trusts.
    CertificateNotTrusted(String, Cause),
    /// The server's certificate is for another name.
    CertificateOtherName(String, Cause),
    /// TLS failed for another reason.
    Tls(String, Cause),
    /// The connection broke after the request was sent.
    Lost(String, Cause),
    /// The request timed out.
    TimedOut(String, Duration),
    /// New credentials were needed but could not be obtained.
    Credentials(CredentialsError),
    /// The last token expired, and no new token could be created.
    NoToken(TokenRenewalError),
    /// 401: the server does not accept the credentials.
    Unauthorized(String),
    /// 403: the caller is not allowed to do this; the server's message.
    Forbidden(String),
    /// 404 for an object; the server's message.
    NotFound(String),
    /// 409: the object has changed since it was read.
    Conflict(String),
    /// 409: the object to be created already exists.
    AlreadyExists(String),
    /// 413, or 422 for size: the request is too large.
    TooLarge(String),
    /// 429: throttled, with the time to wait if the server reports it.
    Throttled(String, Option<Duration>),
    /// Any other rejection: validation, an admission webhook or policy.
    Rejected(u16, String),
    /// 5xx, with the time to wait if the server reports it.
    Server(u16, String, Option<Duration>),
    /// 500: the server is reachable, but these of its own checks fail.
    NotReady(Vec<String>),
    /// The response has more than this number of bytes.
    ResponseTooLong(String, usize),
    /// The responding server is not a Kubernetes API server.
    NotKubernetes(u16),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownHost(server, _) => write!(f, "the host name of {server} does not resolve"),
            Self::Refused(server, _) => write!(f, "nothing answers at {server}"),
            Self::ConnectTimedOut(server) => {
                write!(f, "the connection to {server} timed out")
            }
            Self::NoRoute(server, _) => write!(f, "there is no network route to {server}"),
            Self::Proxy(proxy, _) => {
                write!(f, "the proxy {proxy} does not connect to the API server")
            }
            Self::CertificateExpired(server, _) => write!(
                f,
                "the certificate of {server} has expired or is not valid yet"
            ),
            Self::CertificateNotTrusted(server, _) => {
                write!(
                    f,
                    "the certificate of {server} is not signed by the cluster's certificate authority"
                )
            }
            Self::CertificateOtherName(server, _) => {
                write!(f, "the certificate of {server} is for another host")
            }
            Self::Tls(server, _) => write!(f, "no TLS connection to {server}"),
            Self::Lost(server, _) => {
                write!(f, "the connection to {server} was lost before the response")
            }
            Self::TimedOut(server, after) => {
                write!(f, "{server} did not respond within {}", rounded(*after))
            }
            Self::Credentials(error) => write!(f, "{error}"),
            Self::NoToken(_) => f.write_str("no new token could be created"),
            Self::Unauthorized(_) => write!(f, "the API server does not accept the credentials"),
            Self::Forbidden(message)
            | Self::NotFound(message)
            | Self::Conflict(message)
            | Self::AlreadyExists(message) => f.write_str(message),
            Self::TooLarge(message) => write!(f, "it is too large for the API server: {message}"),
            Self::Throttled(..) => write!(f, "the API server is throttling requests"),
            Self::Rejected(_, message) => write!(f, "the API server rejects it: {message}"),
            Self::Server(status, message, _) => {
                write!(f, "the API server failed with {status}: {message}")
            }
            Self::ResponseTooLong(server, bytes) => {
                write!(f, "{server} sent more than {} MiB", bytes >> 20)
            }
            Self::NotReady(checks) => write!(f, "not ready: {}", checks.join(", ")),
            Self::NotKubernetes(status) => write!(
                f,
                "the server is not a Kubernetes API server (HTTP {status})"
            ),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::UnknownHost(_, cause)
            | Self::Refused(_, cause)
            | Self::NoRoute(_, cause)
            | Self::Proxy(_, cause)
            | Self::CertificateExpired(_, cause)
            | Self::CertificateNotTrusted(_, cause)
            | Self::CertificateOtherName(_, cause)
            | Self::Tls(_, cause)
            | Self::Lost(_, cause) => Some(cause.as_ref()),
            Self::Credentials(error) => error.source(),
            Self::NoToken(error) => Some(error.cause.as_ref()),
            _ => None,
        }
    }
}

impl Fault {
    /// Returns whether retrying the request can help.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Refused(..)
                | Self::Lost(..)
                | Self::TimedOut(..)
                | Self::Throttled(..)
                | Self::Server(..)
                | Self::NotReady(_)
        )
    }

    /// Returns whether the server may have carried out the request although it failed.
    pub(crate) fn may_be_applied(&self) -> bool {
        matches!(
            self,
            Self::Lost(..)
                | Self::TimedOut(..)
                | Self::Server(..)
                | Self::ResponseTooLong(..)
                | Self::NotKubernetes(200..300)
        )
    }

    /// Returns how long the server asks clients to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled(_, after) | Self::Server(_, _, after) => *after,
            _ => None,
        }
    }
}

impl std::fmt::Display for RequestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.fault.source()
    }
}

impl RequestError {
    /// Returns the kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match &self.fault {
            Fault::UnknownHost(..)
            | Fault::Refused(..)
            | Fault::ConnectTimedOut(_)
            | Fault::NoRoute(..)
            | Fault::Proxy(..)
            | Fault::Lost(..)
            | Fault::TimedOut(..)
            | Fault::Throttled(..)
            | Fault::Server(..)
            | Fault::NotReady(_)
            | Fault::ResponseTooLong(..)
            | Fault::NotKubernetes(_)
            | Fault::NotFound(_) => ErrorKind::Unreachable,
            Fault::CertificateExpired(..)
            | Fault::CertificateNotTrusted(..)
            | Fault::CertificateOtherName(..)
            | Fault::Tls(..)
            | Fault::Credentials(_)
            | Fault::NoToken(_)
            | Fault::Unauthorized(_)
            | Fault::Forbidden(_) => ErrorKind::Denied,
            Fault::TooLarge(_) | Fault::Rejected(..) => ErrorKind::Refused,
            Fault::Conflict(_) | Fault::AlreadyExists(_) => ErrorKind::Conflict,
        }
    }

    /// Returns the next step, if it is different for a cluster that EKS described, without a kubeconfig.
    fn hint_at_eks(&self) -> Option<String> {
        let eks = self.target.eks.as_ref()?;
        let (name, region) = (quoted(&eks.name), eks.region());
        Some(match &self.fault {
            Fault::UnknownHost(..) | Fault::ConnectTimedOut(_) | Fault::NoRoute(..) => format!(
                "check whether the endpoint is private, or public only for other addresses: \
                 aws eks describe-cluster --name {name} --region {region} --query cluster.resourcesVpcConfig"
            ),
            Fault::CertificateNotTrusted(..) => {
                format!(
                    "a proxy may intercept TLS; check the certificate: {}",
                    openssl(&self.target.server)
                )
            }
            Fault::Unauthorized(_) => format!(
                "check your identity in AWS and in the cluster: awsauth whoami --cluster-name {name} --region {region}"
            ),
            _ => return None,
        })
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> String {
        let kubectl = self.target.kubectl();
        let server = &self.target.server;
        if let Some(hint) = self.hint_at_eks() {
            return hint;
        }
        match &self.fault {
            Fault::UnknownHost(..) => "check that the cluster still exists and the kubeconfig is current: \
                 awsauth kubeconfig --cluster-name CLUSTER"
                .into(),
            Fault::Refused(..) | Fault::Lost(..) | Fault::TimedOut(..) | Fault::Server(..) | Fault::NotReady(_) => {
                format!("check that the API server is ready: {kubectl} get --raw /readyz")
            }
            Fault::ConnectTimedOut(_) | Fault::NoRoute(..) => "see whether the endpoint is private, or public for other \
                 addresses only: aws eks describe-cluster --name CLUSTER --query cluster.resourcesVpcConfig"
                .into(),
            Fault::Proxy(..) => format!("check the proxy, or bypass it: NO_PROXY={} awsauth …", host(server)),
            Fault::CertificateExpired(..) => format!("check its dates and this machine's clock: {}; date -u", openssl(server)),
            Fault::CertificateNotTrusted(..) => "the cluster may have been created again, or a proxy intercepts TLS; write its \
                 kubeconfig entry again: awsauth kubeconfig --cluster-name CLUSTER"
                .into(),
            Fault::CertificateOtherName(..) => format!("set tls-server-name in the kubeconfig, or correct --server; check the certificate's names: {}", openssl(server)),
            Fault::Tls(..) => format!("check what answers there: curl -vk {server}/version"),
            Fault::Credentials(error) => error.hint(),
            Fault::NoToken(error) => error.hint.clone(),
            Fault::Unauthorized(_) => match &self.target.context {
                Some(context) => format!("find out why: awsauth doctor --context {}", quoted(context)),
                None => "find out why: awsauth doctor".into(),
            },
            Fault::Forbidden(said) => match &self.target.impersonated {
                Some(user) if said.contains("cannot impersonate") => format!(
                    "leave out --as, or ask a user who has this permission: {kubectl} auth can-i impersonate users/{}",
                    quoted(&user.username)
                ),
                _ => format!(
                    "check whether you have the permission: {} auth can-i {} configmaps/{NAME} -n {NAMESPACE}; if not, ask an administrator for it",
                    self.target.kubectl_as_user(),
                    self.verb
                ),
            },
            Fault::NotFound(_) => format!("check that it exists: {kubectl} get configmap {NAME} -n {NAMESPACE}"),
            Fault::Conflict(_) | Fault::AlreadyExists(_) => "run it again".into(),
            Fault::TooLarge(_) => format!("check its size: {kubectl} get configmap {NAME} -n {NAMESPACE} -o json | wc -c"),
            Fault::Throttled(..) => "run it again later, or allow more time with --timeout".into(),
            Fault::Rejected(..) => format!(
                "list the webhooks and policies: {kubectl} get validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies"
            ),
            Fault::ResponseTooLong(..) | Fault::NotKubernetes(_) => format!("check what answers there: curl -k {}", quoted(&format!("{server}/version"))),
        }
    }
}

/// Formats a duration in whole seconds or milliseconds.
fn rounded(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_millis()),
    }
}

fn host(server: &str) -> String {
    let uri = server.parse::<http::Uri>().ok();
    uri.and_then(|uri| uri.host().map(str::to_owned))
        .unwrap_or_else(|| server.to_owned())
}

fn openssl(server: &str) -> String {
    let port = server
        .parse::<http::Uri>()
        .ok()
        .and_then(|uri| uri.port_u16())
        .unwrap_or(443);
    format!(
        "openssl s_client -connect {}:{port} </dev/null | openssl x509 -noout -dates -ext subjectAltName",
        host(server)
    )
}
