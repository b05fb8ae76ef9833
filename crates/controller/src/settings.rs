use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;

use super::LogFormat;
use awsauth_aws::credentials::CredentialOptions;

/// How the controller was started. What no flag of its own says comes from those of every command.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// The configuration: what may be granted, and what is protected
    #[arg(long, env = "AWSAUTH_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Honour IAMIdentityMapping objects, too
    #[arg(long, env = "AWSAUTH_IAM_IDENTITY_MAPPINGS", value_parser = FalseyValueParser::new())]
    pub iam_identity_mappings: bool,

    /// Judge edits of aws-auth by anybody on admission, too
    #[arg(long, env = "AWSAUTH_WEBHOOK", value_parser = FalseyValueParser::new())]
    pub webhook: bool,

    /// Where the API server reaches the webhook
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

    /// The folder of the webhook's certificate (tls.crt and tls.key), where cert-manager or somebody else makes it
    #[arg(long, env = "AWSAUTH_WEBHOOK_CERT_DIR", value_name = "DIR")]
    pub webhook_cert_dir: Option<PathBuf>,

    /// Where /metrics is served
    #[arg(
        long,
        env = "AWSAUTH_METRICS_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "0.0.0.0:8080"
    )]
    pub metrics_listen: SocketAddr,

    /// Where /healthz and /readyz are served
    #[arg(
        long,
        env = "AWSAUTH_HEALTH_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "0.0.0.0:8081"
    )]
    pub health_listen: SocketAddr,

    /// The Lease that one replica holds
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

    /// The form of the log, which goes to stderr
    #[arg(
        long,
        env = "AWSAUTH_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    pub log_format: LogFormat,

    /// What EKS calls the cluster, where somebody says so.
    #[arg(skip)]
    pub cluster_name: Option<String>,

    /// Which AWS credentials EKS is asked with.
    #[arg(skip)]
    pub credential_options: CredentialOptions,

    /// For how long a write is tried before the next one is planned anew.
    #[arg(skip)]
    pub timeout: Duration,
}
