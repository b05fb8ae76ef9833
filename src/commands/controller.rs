//! `awsauth controller`.

use crate::backend::{Target, connect_for_controller};
use crate::terminal::{Exit, Failure, Out, Verbosity};
use awsauth_controller::{LogLevel, Settings, StartError, config};

/// Run in the cluster, and write what AwsAuthMapping objects request
///
/// Of several replicas, only the one that holds the lease writes. The configuration lists the mappings that objects may request;
/// without a configuration, none. The controller connects with the pod's service account or a kubeconfig. It works without AWS
/// credentials; with credentials and --cluster-name, it also asks EKS for the authentication mode, access entries and node groups,
/// and writes access entries if the cluster reads them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    settings: Settings,
}

const EXAMPLES: &str = "\
Examples:
  # In a pod
  awsauth controller --config /etc/awsauth/config.yaml --log-format json

  # From your machine, on the cluster of the current context
  awsauth controller --config config.yaml --metrics-listen 127.0.0.1:8080 --health-listen 127.0.0.1:8081";

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let settings = Settings {
        cluster_name: target.cluster_name.clone(),
        credential_options: target.identity.credential_options(),
        timeout: target.timeout(),
        ..args.settings.clone()
    };
    let config = config::load(settings.config.as_deref(), settings.webhook).map_err(failure)?;
    let (runtime, store) = connect_for_controller(target, matches, out)?;
    let level = match out.verbosity() {
        Verbosity::Quiet => LogLevel::Warn,
        Verbosity::Normal => LogLevel::Info,
        Verbosity::Detailed => LogLevel::Debug,
    };
    awsauth_controller::run(settings, level, config, &runtime, store).map_err(failure)?;
    Ok(Exit::Done)
}

fn failure(error: StartError) -> Failure {
    let failure = Failure::usage(&error);
    let failure = match std::error::Error::source(&error) {
        Some(cause) => failure.because(cause),
        None => failure,
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
