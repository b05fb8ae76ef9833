//! The flags of `awsauth controller`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;

use super::LogFormat;
use awsauth_aws::credentials::CredentialOptions;

/// What the controller does if aws-auth is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnDeletion {
    /// Restore the last state.
    #[default]
    Restore,
    /// Create it with the entries that objects request, and protected entries.
    Objects,
}

/// The controller's settings. Fields marked `skip` come from the flags that all commands share.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// The configuration file: what may be granted, and which entries are protected
    #[arg(long, env = "AWSAUTH_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Also apply IAMIdentityMapping objects
    #[arg(long, env = "AWSAUTH_IAM_IDENTITY_MAPPINGS", value_parser = FalseyValueParser::new())]
    pub iam_identity_mappings: bool,

    /// Also run the admission webhook, which checks all edits to aws-auth
    #[arg(long, env = "AWSAUTH_WEBHOOK", value_parser = FalseyValueParser::new())]
    pub webhook: bool,

    /// The webhook's address
    #[arg(
        long,
        env = "AWSAUTH_WEBHOOK_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "0.0.0.0:8443"
    )]
    pub webhook_listen: SocketAddr,

    /// The Service through which the API server reaches the webhook
    #[arg(
        long,
        env = "AWSAUTH_WEBHOOK_SERVICE",
        value_name = "NAME",
        default_value = "awsauth-controller"
    )]
    pub webhook_service: String,

    /// The folder with the webhook's certificate (tls.crt and tls.key), if cert-manager or another tool issues it
    #[arg(long, env = "AWSAUTH_WEBHOOK_CERT_DIR", value_name = "DIR")]
    pub webhook_cert_dir: Option<PathBuf>,

    /// The address of /metrics
    #[arg(
        long,
        env = "AWSAUTH_METRICS_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "0.0.0.0:8080"
    )]
    pub metrics_listen: SocketAddr,

    /// The address of /healthz and /readyz
    #[arg(
        long,
        env = "AWSAUTH_HEALTH_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "0.0.0.0:8081"
    )]
    pub health_listen: SocketAddr,

    /// The Lease for leader election
    #[arg(
        long,
        env = "AWSAUTH_LEASE_NAME",
        value_name = "NAME",
        default_value = "awsauth-controller"
    )]
    pub lease_name: String,

    /// The namespace of the Lease, and of the webhook's Service and certificate
    #[arg(
        long,
        env = "AWSAUTH_NAMESPACE",
        value_name = "NAME",
        default_value = "kube-system"
    )]
    pub namespace: String,

    /// What to do if aws-auth is deleted: restore its last state, or create it with only the entries of objects
    #[arg(
        long,
        env = "AWSAUTH_ON_DELETION",
        value_enum,
        value_name = "ACTION",
        default_value_t
    )]
    pub on_deletion: OnDeletion,

    /// The format of the log, which is written to stderr
    #[arg(
        long,
        env = "AWSAUTH_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub log_format: LogFormat,

    /// The name of the EKS cluster, if given.
    #[arg(skip)]
    pub cluster_name: Option<String>,

    /// The source of the AWS credentials for requests to EKS.
    #[arg(skip)]
    pub credential_options: CredentialOptions,

    /// The timeout of requests to the API server.
    #[arg(skip)]
    pub timeout: Duration,
}
