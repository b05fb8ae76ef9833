//! Evidence about the connection to the endpoint.

use super::Problem;

/// An attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionAttempt {
    /// The IP address and port.
    pub address: String,
    /// Whether this is the address of a proxy.
    pub is_proxy: bool,
    /// Why the connection failed.
    pub failed: Option<ConnectionFailure>,
}

/// Why a connection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionFailure {
    /// No response within the time limit.
    TimedOut,
    /// The connection was refused.
    Refused,
    /// Another error of the system.
    Other(String),
}

/// Why it is unknown whether the API server is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivenessFailure {
    /// The reason and the next step.
    pub problem: Problem,
    /// Whether an authority that the kubeconfig does not trust signed the server's certificate.
    pub is_untrusted: bool,
    /// Whether the server's certificate is for another host.
    pub is_for_another_host: bool,
    /// Whether the server accepted the connection, but did not respond in time.
    pub is_silent: bool,
    /// Whether the connection was closed before TLS was established.
    pub is_reset: bool,
    /// The host names in the server's certificate, if it is not trusted.
    pub certificate_names: Vec<String>,
}

/// A request to a proxy to connect to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyProbe {
    /// The proxy's URL without user and password.
    pub url: String,
    /// What names the proxy: a variable such as `HTTPS_PROXY`, or `proxy-url` of the kubeconfig.
    pub setting: String,
    /// The host behind the proxy.
    pub host: String,
    /// What is wrong with the proxy.
    pub fault: Option<ProxyFault>,
}

/// Why a proxy does not connect to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyFault {
    /// Its name cannot be resolved.
    Unresolved(String),
    /// No connection to it can be opened.
    Unreached(String),
    /// It wants a user and a password; its status line.
    NeedsPassword(String),
    /// It refuses; its status line.
    Refuses(String),
    /// It answers in plain HTTP, and its URL begins with `https://`.
    PlainHttp,
    /// It does not answer.
    Silent,
}
