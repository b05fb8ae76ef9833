//! Carries out operations on access entries, on the authentication mode, and on the binding of administrators.

use std::time::{Duration, Instant};

use super::Backend;
use super::cluster::Cluster;
use super::failures::kind;
use crate::terminal::{Failure, Kind, Out, Spinner};
use awsauth_aws::eks::{
    Cause, EksCluster, EntryWithoutRights, OperationError, OperationProgress, Outcome, StopCause,
    Stopped,
};
use awsauth_core::access_entries::Operation;
use awsauth_kube::bind_cluster_admin::{BindingError, bind_cluster_admin, unbind_cluster_admin};
use awsauth_kube::interrupt::{self, ChangeInProgress};

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// The time limit for an update of the authentication mode, which takes minutes.
const UPDATE_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The time limit for all other operations together, in addition to --timeout for each.
const OPERATIONS_LIMIT: Duration = Duration::from_secs(60);

impl Backend {
    /// Carries out operations in order, and prints each.
    ///
    /// # Errors
    /// If an operation fails, or the user interrupts. A second run continues from there.
    pub(crate) fn execute(
        &self,
        operations: &[Operation],
        out: &mut Out,
    ) -> Result<Vec<Outcome>, Failure> {
        self.execute_until(interrupt::is_requested, operations, out)
    }

    /// Undoes operations, even after an interrupt.
    ///
    /// # Errors
    /// If an operation fails.
    pub(crate) fn roll_back(
        &self,
        operations: &[Operation],
        out: &mut Out,
    ) -> Result<Vec<Outcome>, Failure> {
        self.execute_until(|| false, operations, out)
    }

    fn execute_until(
        &self,
        should_stop: fn() -> bool,
        operations: &[Operation],
        out: &mut Out,
    ) -> Result<Vec<Outcome>, Failure> {
        let (Self::Cluster(cluster), Some(eks)) = (self, self.eks()) else {
            return Err(Failure::usage("cannot change access entries without EKS")
                .hint("name the cluster: --cluster-name NAME"));
        };
        let mut progress = ProgressOutput {
            cluster,
            out,
            outcomes: Vec::new(),
            should_stop,
        };
        let _change = ChangeInProgress::new();
        let deadline = Instant::now() + time_limit(operations, self.timeout());
        let name = &eks.facts.name;
        let done = eks.with_client(|eks| eks.execute(name, operations, deadline, &mut progress));
        let outcomes = progress.outcomes;
        match done {
            Ok(()) => Ok(outcomes),
            Err(stopped) => Err(failure(eks, stopped)),
        }
    }
}

fn time_limit(operations: &[Operation], timeout: Duration) -> Duration {
    let updates_mode =
        |operation: &Operation| matches!(operation, Operation::UpdateAuthenticationMode { .. });
    let count = u32::try_from(operations.len()).unwrap_or(u32::MAX);
    let limit = timeout
        .saturating_mul(count)
        .saturating_add(OPERATIONS_LIMIT);
    match operations.iter().any(updates_mode) {
        true => limit.saturating_add(UPDATE_LIMIT),
        false => limit,
    }
}

/// Prints progress on stderr.
struct ProgressOutput<'a> {
    cluster: &'a Cluster,
    out: &'a mut Out,
    outcomes: Vec<Outcome>,
    should_stop: fn() -> bool,
}

impl OperationProgress for ProgressOutput<'_> {
    type Guard = Spinner;
    // Boxed to keep `Stopped` small.
    type Error = Box<BindingError>;

    fn starting(&mut self, operation: &Operation) -> Spinner {
        let doing = match operation {
            Operation::UpdateAuthenticationMode { .. } => {
                "Updating the authentication mode, which takes minutes"
            }
            Operation::BindClusterAdmin { .. } | Operation::UnbindClusterAdmin { .. } => {
                "Changing a ClusterRoleBinding"
            }
            _ => "Changing access entries",
        };
        self.out.spinner(doing, SPINNER_DELAY)
    }

    fn finished(&mut self, operation: &Operation, outcome: Outcome) {
        self.outcomes.push(outcome);
        let done = match outcome {
            Outcome::Changed => "Done",
            Outcome::Unchanged => "Unchanged",
        };
        self.out
            .note(&format!("{done}: {}", operation.what_holds_after()));
    }

    fn call_kubernetes(&mut self, operation: &Operation) -> Result<Outcome, Box<BindingError>> {
        let (client, time_limit) = (self.cluster.client(), self.cluster.options().timeout());
        let runtime = self.cluster.runtime();
        let changed = match operation {
            Operation::UnbindClusterAdmin { group } => {
                runtime.block_on(unbind_cluster_admin(client, group, time_limit))
            }
            Operation::BindClusterAdmin { group } => {
                runtime.block_on(bind_cluster_admin(client, group, time_limit))
            }
            _ => unreachable!("EKS carries out the others"),
        };
        Ok(match changed.map_err(Box::new)? {
            true => Outcome::Changed,
            false => Outcome::Unchanged,
        })
    }

    fn should_stop(&mut self) -> bool {
        (self.should_stop)()
    }
}

fn failure(eks: &EksCluster, stopped: Stopped<Box<BindingError>>) -> Failure {
    let Stopped {
        finished,
        cause,
        without_rights,
    } = stopped;
    let failure = match cause {
        StopCause::Requested => Failure::new(Kind::Interrupted, "interrupted"),
        StopCause::Kubernetes(error) => {
            let kind = match &*error {
                BindingError::Request(error) => kind(error.kind()),
                BindingError::Different { .. } => Kind::Refused,
            };
            Failure::new(kind, "cannot change the binding to cluster-admin")
                .because(&*error)
                .hint(error.hint())
        }
        StopCause::Eks(error) => {
            let hint = error.hint();
            Failure::new(kind_of(&error), error.to_string()).hint(hint)
        }
    };
    let failure = failure.note("completed steps are kept; run the same command again to continue");
    let failure = match finished > 0 || without_rights.is_some() {
        true => failure.after_change(),
        false => failure,
    };
    match without_rights {
        None => failure,
        Some(EntryWithoutRights {
            principal_arn,
            kept_because: None,
        }) => failure.note(format!(
            "the new access entry of {principal_arn}, which had no permissions yet, was deleted: aws-auth decides for it"
        )),
        Some(EntryWithoutRights {
            principal_arn,
            kept_because: Some(error),
        }) => {
            let delete = Operation::DeleteEntry {
                principal_arn: principal_arn.clone(),
            };
            failure
                .note(format!(
                    "warning: {principal_arn} may have lost its access, because its new access entry may have no permissions: {error}"
                ))
                .hint(format!(
                    "restore its access through aws-auth: {}",
                    delete.command(&eks.facts.name)
                ))
        }
    }
}

fn kind_of(error: &OperationError) -> Kind {
    match &error.cause {
        Cause::Different(_) => Kind::Conflict,
        _ => Kind::Unreachable,
    }
}
