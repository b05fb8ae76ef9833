use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::LogFormat;
use crate::aws::credentials::Wish;
use crate::edge::Verbosity;

/// How the controller was started.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The configuration's file; without one, nothing is granted.
    pub(crate) config: Option<PathBuf>,
    /// Whether IAMIdentityMapping objects are honoured.
    pub(crate) iam_identity_mappings: bool,
    /// Whether edits by others are judged on admission.
    pub(crate) webhook: bool,
    /// Where the webhook listens.
    pub(crate) webhook_listen: SocketAddr,
    /// The Service through which the API server reaches it.
    pub(crate) webhook_service: String,
    /// The folder of its certificate, where somebody else makes it.
    pub(crate) webhook_cert_dir: Option<PathBuf>,
    /// Where metrics are served.
    pub(crate) metrics_listen: SocketAddr,
    /// Where health is served.
    pub(crate) health_listen: SocketAddr,
    /// The Lease that the leader holds.
    pub(crate) lease_name: String,
    /// The namespace of the Lease, and of the webhook's Service and certificate.
    pub(crate) namespace: String,
    /// The form of the log.
    pub(crate) log_format: LogFormat,
    /// How much it says.
    pub(crate) verbosity: Verbosity,
    /// What EKS calls the cluster, where somebody says so.
    pub(crate) cluster_name: Option<String>,
    /// Which AWS credentials EKS is asked with.
    pub(crate) wish: Wish,
    /// For how long a write is tried before the next one is planned anew.
    pub(crate) timeout: Duration,
}
