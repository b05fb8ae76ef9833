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

/// Why the API server does not show that it is alive.
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
}
