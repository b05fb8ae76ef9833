//! Makes changes to access entries that were planned from an earlier response from EKS.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use super::change_error::{Cause, OperationError};
use super::describe_cluster::{CredentialOrder, DescribeError, EksCluster, Silent, describe};
use super::execute_operations::{
    OperationProgress, Outcome, StopCause, Stopped, is_in_use, may_pass,
};
use crate::AwsEnvironment;
use crate::credentials::CredentialOptions;
use crate::request_error::AwsError;
use awsauth_core::access_entries::{EntryChange, Operation};
use awsauth_core::error_chain;

/// Why a change was not made.
#[derive(Debug)]
pub enum EntryChangeError {
    /// Another client has changed the entry since the change was planned.
    Overtaken { principal_arn: String },
    /// EKS refused a call or did not answer.
    Eks {
        /// The error, and what to do.
        message: String,
        /// Whether the entry may have changed nevertheless.
        may_have_changed: bool,
    },
    /// The caller stopped, or the time limit passed.
    Stopped { may_have_changed: bool },
}

impl fmt::Display for EntryChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overtaken { principal_arn } => write!(
                f,
                "another client changed the access entry of {principal_arn} in the meantime"
            ),
            Self::Eks { message, .. } => f.write_str(message),
            Self::Stopped { .. } => f.write_str("stopped before the end of the change"),
        }
    }
}

/// Makes each group of changes in order, up to the first one that fails. Reads each entry again before it is changed; does not believe
/// that an `unlisted` one is already deleted. Returns for each group how many changes were made, and why the others were not. Blocks; must not be called from within an async runtime.
///
/// # Errors
/// If there are no credentials, the cluster does not exist, or EKS does not answer.
pub fn change_entries(
    name: &str,
    options: &CredentialOptions,
    groups: &[Vec<EntryChange>],
    unlisted: &HashSet<String>,
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
                    true => Err(EntryChangeError::Stopped {
                        may_have_changed: false,
                    }),
                    false => make(&cluster, change, unlisted, deadline, &should_stop),
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
    unlisted: &HashSet<String>,
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
            EntryChangeError::Eks {
                message: format!("cannot read the access entry of {arn}: {error}; {hint}"),
                may_have_changed: false,
            }
        })?;
    // EKS may not find a new entry yet.
    let is_found = found.is_some() || !unlisted.contains(arn);
    // The answer to an earlier attempt may have been lost.
    if change.is_after(found.as_ref()) && is_found {
        return Ok(());
    }
    if !change.is_before(found.as_ref()) {
        return Err(EntryChangeError::Overtaken {
            principal_arn: arn.clone(),
        });
    }
    let mut progress = Progress {
        should_stop,
        finished: 0,
    };
    let operations = change.operations();
    let made = cluster.with_client(|eks| eks.execute(name, &operations, deadline, &mut progress));
    made.map_err(|stopped| stop_error(arn, stopped, progress.finished))
}

fn stop_error(arn: &str, stopped: Stopped<String>, finished: usize) -> EntryChangeError {
    let is_refused = match &stopped.cause {
        StopCause::Eks(error) => match &error.cause {
            // It may be in use because an earlier attempt succeeded, although its answer was lost.
            Cause::Aws(error) => {
                matches!(error, AwsError::Refused(_)) && !may_pass(error) && !is_in_use(error)
            }
            cause => matches!(cause, Cause::Setup(_)),
        },
        _ => false,
    };
    let message = match stopped.cause {
        StopCause::Requested => {
            return EntryChangeError::Stopped {
                may_have_changed: finished > 0,
            };
        }
        StopCause::Eks(error) if is_overtaken(&error) => {
            return EntryChangeError::Overtaken {
                principal_arn: arn.to_owned(),
            };
        }
        StopCause::Eks(error) => format!("{error}; {}", error.hint()),
        StopCause::Kubernetes(error) => error,
    };
    let message = match stopped.without_rights {
        Some(entry) if entry.kept_because.is_some() => format!(
            "{message}. The new access entry of {arn} has no permissions yet, and could not be deleted"
        ),
        _ => message,
    };
    EntryChangeError::Eks {
        message,
        may_have_changed: finished > 0 || !is_refused,
    }
}

fn is_overtaken(error: &OperationError) -> bool {
    matches!(error.cause, Cause::Different(_))
}

struct Progress<'a> {
    should_stop: &'a dyn Fn() -> bool,
    finished: usize,
}

impl OperationProgress for Progress<'_> {
    type Guard = ();
    type Error = String;

    fn starting(&mut self, _: &Operation) {}

    fn finished(&mut self, _: &Operation, _: Outcome) {
        self.finished += 1;
    }

    fn call_kubernetes(&mut self, operation: &Operation) -> Result<Outcome, String> {
        Err(format!("{operation} is not a change of an access entry"))
    }

    fn should_stop(&mut self) -> bool {
        (self.should_stop)()
    }
}
