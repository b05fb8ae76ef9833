//! Refuses servers that must not get a token, and asks EKS for the endpoint of a cluster.

use std::fmt::Display;
use std::time::Duration;

use super::eks_cluster;
use crate::terminal::{Failure, Out, Refusal, Spinner};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::CredentialOptions;
use awsauth_aws::eks::{CredentialOrder, DescribeError, Progress, describe};
use awsauth_core::endpoint_trust::{DescribedEndpoint, UntrustedEndpoint};
use awsauth_core::error_chain;

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// Why EKS has not reported the endpoint of a cluster.
pub(super) struct NotDescribed {
    why: String,
    hint: Option<String>,
}

/// Returns the failure for a server that must not get credentials. `what` states what could not be done.
pub(super) fn refusal(
    what: impl Display,
    error: &UntrustedEndpoint,
    cluster: Option<&str>,
) -> Failure {
    refused(what, error).hint(error.hint(cluster))
}

/// Returns the failure for a server that EKS did not confirm. `what` states what could not be done.
pub(super) fn unconfirmed(
    what: impl Display,
    error: &UntrustedEndpoint,
    cluster: &str,
    reason: NotDescribed,
) -> Failure {
    let failure = refused(what, error)
        .note(format!(
            "EKS could not be asked for the cluster's endpoint: {}",
            reason.why
        ))
        .hint(error.hint(Some(cluster)));
    match reason.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn refused(what: impl Display, error: &UntrustedEndpoint) -> Failure {
    let refusal = Refusal {
        guard: "WG20",
        reason: "untrusted-endpoint",
    };
    let failure = Failure::refused(refusal, what).because(error);
    match error.flag() {
        Some(flag) => failure.unless(flag),
        None => failure,
    }
}

/// Asks EKS for the endpoint of a cluster.
pub(super) fn described(
    name: &str,
    options: &CredentialOptions,
    environment: &AwsEnvironment,
    out: &Out,
) -> Result<DescribedEndpoint, NotDescribed> {
    let order = CredentialOrder::RolesFirst;
    let cluster =
        describe(name, order, options, environment, &mut Waiting(out)).map_err(|error| {
            NotDescribed {
                why: error_chain::text(&error),
                hint: match &error {
                    DescribeError::Eks(error) => Some(error.hint()),
                    _ => None,
                },
            }
        })?;
    eks_cluster::endpoint(&cluster)
        .described()
        .ok_or_else(|| NotDescribed {
            why: "its response has no URL with a certificate authority".to_owned(),
            hint: None,
        })
}

/// Shows a spinner.
struct Waiting<'a>(&'a Out);

impl Progress for Waiting<'_> {
    type Guard = Spinner;

    fn requesting(&mut self) -> Spinner {
        self.0.spinner("Asking EKS", SPINNER_DELAY)
    }
}
