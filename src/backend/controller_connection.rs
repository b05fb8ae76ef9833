//! The long-lived connection of the controller.

use std::sync::Arc;

use tokio::runtime::Runtime;

use super::cluster::{flags, not_connected, refuse_other, runtime, until_interrupted};
use super::target_options::{Chosen, Target};
use super::wait_for_cluster::wait_for;
use crate::terminal::{Failure, Out};
use awsauth_kube::{ApiClient, Environment, connect};

/// Connects for the lifetime of the process: to the kubeconfig's cluster or, in a pod, to its own cluster. Ignores `--cluster-name`,
/// so that no connection depends on AWS.
///
/// # Errors
/// If the target is a file, the connection fails, the cluster is not the expected one, or the user interrupts.
pub(crate) fn connect_for_controller(
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<(Runtime, Arc<ApiClient>), Failure> {
    if let Chosen::File(_) | Chosen::Pipe = target.choose_to_sign_in(matches)? {
        return Err(Failure::usage("cannot run a controller for a file")
            .hint("leave out --file and AWSAUTH_FILE; to change a file: awsauth apply -f MAPPINGS --file FILE"));
    }
    let runtime = runtime()?;
    let (flags, environment) = (flags(target), Environment::of_process());
    let client = until_interrupted(&runtime, out, "Connecting", connect(&flags, &environment))?
        .map_err(|error| not_connected(&error))?;
    refuse_other(target, client.target())?;
    let client = Arc::new(client.for_controller());
    if let Some(time_limit) = target.wait {
        let configmap = target.wait_for_configmap;
        wait_for(&runtime, &client, time_limit, configmap, out)?;
    }
    Ok((runtime, client))
}
