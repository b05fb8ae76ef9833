use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;

use crate::controller::{self, LogFormat, Settings};
use crate::edge::{Exit, Failure, Out};
use crate::world::{Target, connect_to_stay};

/// Run in the cluster, and keep aws-auth as its AwsAuthMapping objects ask
///
/// One of several replicas holds a lease and works; the others wait. What may be granted is for the configuration to say: without
/// one, nothing is. A connection is made with the pod's service account, or a kubeconfig. AWS credentials are needed for nothing;
/// where there are some, --cluster-name has EKS asked what else is to be known of the cluster.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration: what may be granted, and what is protected
    #[arg(long, env = "AWSAUTH_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Honour IAMIdentityMapping objects, too
    #[arg(long, env = "AWSAUTH_IAM_IDENTITY_MAPPINGS", value_parser = FalseyValueParser::new())]
    iam_identity_mappings: bool,

    /// Judge edits of aws-auth by anybody on admission, too
    #[arg(long, env = "AWSAUTH_WEBHOOK", value_parser = FalseyValueParser::new())]
    webhook: bool,

    /// Where the API server reaches the webhook
    #[arg(
        long,
        env = "AWSAUTH_WEBHOOK_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "0.0.0.0:8443"
    )]
    webhook_listen: SocketAddr,

    /// The Service through which the API server reaches the webhook
    #[arg(
        long,
        env = "AWSAUTH_WEBHOOK_SERVICE",
        value_name = "NAME",
        default_value = "awsauth-controller"
    )]
    webhook_service: String,

    /// The folder of the webhook's certificate (tls.crt and tls.key), where cert-manager or somebody else makes it
    #[arg(long, env = "AWSAUTH_WEBHOOK_CERT_DIR", value_name = "DIR")]
    webhook_cert_dir: Option<PathBuf>,

    /// Where /metrics is served
    #[arg(
        long,
        env = "AWSAUTH_METRICS_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "0.0.0.0:8080"
    )]
    metrics_listen: SocketAddr,

    /// Where /healthz and /readyz are served
    #[arg(
        long,
        env = "AWSAUTH_HEALTH_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "0.0.0.0:8081"
    )]
    health_listen: SocketAddr,

    /// The Lease that one replica holds
    #[arg(
        long,
        env = "AWSAUTH_LEASE_NAME",
        value_name = "NAME",
        default_value = "awsauth-controller"
    )]
    lease_name: String,

    /// The namespace of the Lease, and of the webhook's Service and certificate
    #[arg(
        long,
        env = "AWSAUTH_NAMESPACE",
        value_name = "NAME",
        default_value = "kube-system"
    )]
    namespace: String,

    /// The form of the log, which goes to stderr
    #[arg(
        long,
        env = "AWSAUTH_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT",
        default_value_t
    )]
    log_format: LogFormat,
}

const EXAMPLES: &str = "\
Examples:
  # In a pod
  awsauth controller --config /etc/awsauth/config.yaml --log-format json

  # From a desk, on the cluster of the current context
  awsauth controller --config config.yaml --metrics-listen 127.0.0.1:8080 --health-listen 127.0.0.1:8081";

/// Runs until it is asked to end.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let settings = Settings {
        config: args.config.clone(),
        iam_identity_mappings: args.iam_identity_mappings,
        webhook: args.webhook,
        webhook_listen: args.webhook_listen,
        webhook_service: args.webhook_service.clone(),
        webhook_cert_dir: args.webhook_cert_dir.clone(),
        metrics_listen: args.metrics_listen,
        health_listen: args.health_listen,
        lease_name: args.lease_name.clone(),
        namespace: args.namespace.clone(),
        log_format: args.log_format,
        verbosity: out.verbosity(),
        cluster_name: target.cluster_name.clone(),
        wish: target.identity.wish(),
        timeout: target.timeout,
    };
    let config = controller::config::load(settings.config.as_deref())?;
    let (runtime, store) = connect_to_stay(target, matches, out)?;
    controller::run(settings, config, &runtime, store)?;
    Ok(Exit::Done)
}
