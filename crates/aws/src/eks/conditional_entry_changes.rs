//! Makes changes to access entries that were decided on an earlier response from EKS.

use std::fmt;
use std::time::{Duration, Instant};

use super::change_error::{Cause, OperationError};
use super::describe_cluster::{CredentialOrder, DescribeError, EksCluster, Silent, describe};
use super::execute_operations::{OperationProgress, Outcome, StopCause, Stopped};
use crate::AwsEnvironment;
use crate::credentials::CredentialOptions;
use awsauth_core::access_entries::{EntryChange, Operation, difference_between};
use awsauth_core::error_chain;
use awsauth_core::facts::access_entries::{AccessEntry, AccessTerms};

/// Why a change was not made.
#[derive(Debug)]
pub enum EntryChangeError {
    /// Another client changed the entry since the decision.
    Overtaken { principal_arn: String },
    /// EKS refused a call or did not answer; with what to do.
    Eks(String),
    /// The caller stopped, or the time limit passed.
    Stopped,
}

impl fmt::Display for EntryChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overtaken { principal_arn } => write!(
                f,
                "another client changed the access entry of {principal_arn} in the meantime"
            ),
            Self::Eks(message) => f.write_str(message),
            Self::Stopped => f.write_str("stopped before the change"),
        }
    }
}

/// Makes each group of changes in order, up to the first one that fails. Reads each entry again before it is changed. Returns for
/// each group how many changes were made, and why the others were not. Blocks; must not be called from within an async runtime.
///
/// # Errors
/// If there are no credentials, the cluster does not exist, or EKS does not answer.
pub fn change_entries(
    name: &str,
    options: &CredentialOptions,
    groups: &[Vec<EntryChange>],
    time_limit: Duration,
    should_stop: impl Fn() -> bool,
) -> Result<Vec<(usize, Option<EntryChangeError>)>, DescribeError> {
    let environment = AwsEnvironment::of_process();
    let deadline = Instant::now() + time_limit;
    let cluster = describe(
        name,
        CredentialOrder::OwnFirst,
        options,
        &environment,
        &mut Silent,
    )?;
    let mut is_over = false;
    Ok(groups
        .iter()
        .map(|changes| {
            for (made, change) in changes.iter().enumerate() {
                is_over |= should_stop() || Instant::now() >= deadline;
                let result = match is_over {
                    true => Err(EntryChangeError::Stopped),
                    false => make(&cluster, change, deadline, &should_stop),
                };
                if let Err(error) = result {
                    return (made, Some(error));
                }
            }
            (changes.len(), None)
        })
        .collect())
}

fn make(
    cluster: &EksCluster,
    change: &EntryChange,
    deadline: Instant,
    should_stop: &dyn Fn() -> bool,
) -> Result<(), EntryChangeError> {
    let name = &cluster.facts.name;
    let arn = &change.principal_arn;
    let found = cluster
        .with_client(|eks| eks.access_entry(name, arn))
        .map_err(|error| {
            let hint = error.hint();
            let error = error_chain::text(&error);
            EntryChangeError::Eks(format!(
                "cannot read the access entry of {arn}: {error}; {hint}"
            ))
        })?;
    // The answer to an earlier attempt may have been lost.
    if is_same(arn, found.as_ref(), change.after.as_ref()) {
        return Ok(());
    }
    if !is_same(arn, found.as_ref(), change.before.as_ref()) {
        return Err(EntryChangeError::Overtaken {
            principal_arn: arn.clone(),
        });
    }
    let mut progress = Progress { should_stop };
    let operations = change.operations();
    let made = cluster.with_client(|eks| eks.execute(name, &operations, deadline, &mut progress));
    made.map_err(|stopped| stop_error(arn, stopped))
}

/// Returns whether an entry has these contents and tags.
fn is_same(arn: &str, found: Option<&AccessEntry>, expected: Option<&AccessTerms>) -> bool {
    let terms = found.and_then(|found| found.terms.as_ref());
    let tags = |terms: Option<&AccessTerms>| terms.map(|terms| terms.tags.clone());
    found.is_some() == terms.is_some()
        && difference_between(arn, terms, expected).is_none()
        && tags(terms) == tags(expected)
}

fn stop_error(arn: &str, stopped: Stopped<String>) -> EntryChangeError {
    let message = match stopped.cause {
        StopCause::Requested => return EntryChangeError::Stopped,
        StopCause::Eks(error) if is_overtaken(&error) => {
            return EntryChangeError::Overtaken {
                principal_arn: arn.to_owned(),
            };
        }
        StopCause::Eks(error) => format!("{error}; {}", error.hint()),
        StopCause::Kubernetes(error) => error,
    };
    EntryChangeError::Eks(match stopped.without_rights {
        Some(entry) if entry.kept_because.is_some() => format!(
            "{message}. The new access entry of {arn} has no rights yet, and could not be deleted"
        ),
        _ => message,
    })
}

fn is_overtaken(error: &OperationError) -> bool {
    matches!(error.cause, Cause::Different(_))
}

struct Progress<'a> {
    should_stop: &'a dyn Fn() -> bool,
}

impl OperationProgress for Progress<'_> {
    type Guard = ();
    type Error = String;

    fn starting(&mut self, _: &Operation) {}

    fn finished(&mut self, _: &Operation, _: Outcome) {}

    fn call_kubernetes(&mut self, operation: &Operation) -> Result<Outcome, String> {
        Err(format!("{operation} is not a change of an access entry"))
    }

    fn should_stop(&mut self) -> bool {
        (self.should_stop)()
    }
}
