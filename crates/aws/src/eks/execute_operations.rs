//! Carries out changes to access entries and to the authentication mode.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::time::{Duration, Instant};

use aws_sdk_eks::Client;
use aws_sdk_eks::types::{
    AccessScope as SdkScope, AccessScopeType, AuthenticationMode as SdkMode, ClusterStatus, Update,
    UpdateAccessConfigRequest, UpdateStatus,
};
use tokio::time::sleep;

use super::change_error::{Cause, OperationError, UpdateFailure, is_mode_gate};
use super::client::Eks;
use super::list_access_entries::described_entry;
use crate::AwsError;
use awsauth_core::access_entries::{Operation, difference};
use awsauth_core::facts::access_entries::{AccessEntry, AccessScope, STANDARD};
use awsauth_core::facts::authentication_mode::AuthenticationMode;

/// The delay before the first retry of a call. It doubles with each further retry.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// How long to retry the deletion of a new entry without permissions, even after the deadline.
const CLEANUP_LIMIT: Duration = Duration::from_secs(10);

/// How long it can take until other calls find a new entry:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
pub const VISIBILITY_LIMIT: Duration = Duration::from_secs(60);

/// What an operation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It changed the cluster.
    Changed,
    /// The cluster was already as requested.
    Unchanged,
}

/// Observes [`Eks::execute`], and carries out the Kubernetes API calls.
pub trait OperationProgress {
    /// A guard that is dropped after the operation, such as a spinner.
    type Guard;
    /// Why a Kubernetes API call failed.
    type Error;

    /// Called before each operation.
    fn starting(&mut self, operation: &Operation) -> Self::Guard;

    /// Called after each operation that did not fail.
    fn finished(&mut self, operation: &Operation, outcome: Outcome);

    /// Carries out an operation that is not an EKS API call.
    ///
    /// # Errors
    /// If it failed.
    fn call_kubernetes(&mut self, operation: &Operation) -> Result<Outcome, Self::Error>;

    /// Whether to stop before the next operation, or while the authentication mode is updated. Not called while a new access
    /// entry still lacks its access policies.
    fn should_stop(&mut self) -> bool {
        false
    }
}

/// Why [`Eks::execute`] did not carry out all operations.
#[derive(Debug)]
pub struct Stopped<E> {
    /// How many operations were carried out.
    pub finished: usize,
    pub cause: StopCause<E>,
    /// The new access entry that has or had neither groups nor access policies, so that its principal has no permissions.
    pub without_rights: Option<EntryWithoutRights>,
}

/// The reason of [`Stopped`].
#[derive(Debug)]
pub enum StopCause<E> {
    /// [`OperationProgress::should_stop`] returned true.
    Requested,
    /// An EKS API call failed.
    Eks(Box<OperationError>),
    /// A Kubernetes API call failed.
    Kubernetes(E),
}

/// An access entry that was created, or may have been, but whose access policies could not be associated.
#[derive(Debug)]
pub struct EntryWithoutRights {
    pub principal_arn: String,
    /// Why it could not be deleted; `None` if it was deleted.
    pub kept_because: Option<Box<OperationError>>,
}

impl Eks {
    /// Carries out operations in order. Until `deadline`, repeats a call that is throttled or whose answer is lost, and
    /// waits for updates of the cluster. Accepts an existing access entry if it is the one to create.
    ///
    /// A second run with the same operations continues where the first one stopped.
    ///
    /// # Errors
    /// If an operation fails, or if `progress` stops the run. A new access entry that has neither groups nor access policies
    /// at that time is deleted, so that aws-auth applies to its principal again.
    pub fn execute<P: OperationProgress>(
        &mut self,
        cluster: &str,
        operations: &[Operation],
        deadline: Instant,
        progress: &mut P,
    ) -> Result<(), Stopped<P::Error>> {
        let mut run = Run {
            client: self.client.clone(),
            cluster: cluster.to_owned(),
            deadline,
            created: BTreeMap::new(),
            deleted: BTreeSet::new(),
            updated_mode: false,
            without_rights: None,
        };
        for (finished, operation) in operations.iter().enumerate() {
            let cause = if run.without_rights.is_none() && progress.should_stop() {
                StopCause::Requested
            } else {
                let guard = progress.starting(operation);
                let outcome = match operation {
                    Operation::BindClusterAdmin { .. } | Operation::UnbindClusterAdmin { .. } => {
                        let outcome = progress.call_kubernetes(operation);
                        outcome.map_err(StopCause::Kubernetes)
                    }
                    _ => {
                        let call = run.call(&operations[finished..]);
                        let outcome = match operation {
                            Operation::UpdateAuthenticationMode { .. } => {
                                let call = unless_stopped(call, || progress.should_stop());
                                self.runtime.block_on(call)
                            }
                            _ => self.runtime.block_on(async { Some(call.await) }),
                        };
                        match outcome.unwrap_or_else(|error| Some(Err(Cause::Setup(error)))) {
                            None => Err(StopCause::Requested),
                            Some(Ok(outcome)) => Ok(outcome),
                            Some(Err(cause)) => Err(StopCause::Eks(Box::new(
                                self.operation_error(cluster, operation, cause),
                            ))),
                        }
                    }
                };
                drop(guard);
                match outcome {
                    Ok(outcome) => {
                        progress.finished(operation, outcome);
                        continue;
                    }
                    Err(cause) => cause,
                }
            };
            let new = run.without_rights.take();
            return Err(Stopped {
                finished,
                cause,
                without_rights: new.and_then(|new| self.clean_up(&mut run, new)),
            });
        }
        Ok(())
    }

    /// Deletes a new entry without permissions. Returns `None` if there is none.
    fn clean_up(&mut self, run: &mut Run, new: NewEntry) -> Option<EntryWithoutRights> {
        run.deadline = run.deadline.max(Instant::now() + CLEANUP_LIMIT);
        let deleted = self.runtime.block_on(run.delete_without_rights(&new));
        let deleted = deleted.unwrap_or_else(|error| Err(Cause::Setup(error)));
        let kept_because = match deleted {
            Ok(Outcome::Changed) => None,
            Ok(Outcome::Unchanged) => return None,
            Err(cause) => {
                let operation = Operation::DeleteEntry {
                    principal_arn: new.principal_arn.clone(),
                };
                Some(Box::new(self.operation_error(
                    &run.cluster,
                    &operation,
                    cause,
                )))
            }
        };
        Some(EntryWithoutRights {
            principal_arn: new.principal_arn,
            kept_because,
        })
    }
}

/// Returns `None` if the caller stops the call. The next run continues it.
async fn unless_stopped<T>(
    call: impl Future<Output = T>,
    mut should_stop: impl FnMut() -> bool,
) -> Option<T> {
    let stopped = async {
        while !should_stop() {
            sleep(FIRST_DELAY).await;
        }
    };
    tokio::select! {
        biased;
        answer = call => Some(answer),
        () = stopped => None,
    }
}

/// The state of [`Eks::execute`].
struct Run {
    client: Client,
    cluster: String,
    deadline: Instant,
    /// When this run created the entries of these principals.
    created: BTreeMap<String, Instant>,
    /// The principals whose entries this run deleted. EKS may still show them for some seconds.
    deleted: BTreeSet<String>,
    /// Whether this run waited for the authentication mode.
    updated_mode: bool,
    /// The new entry that has neither groups nor access policies until the next operations.
    without_rights: Option<NewEntry>,
}

/// An entry that this run created, or may have created if the answer was lost.
struct NewEntry {
    principal_arn: String,
    /// The keys of its tags.
    tags: BTreeSet<String>,
    /// Whether EKS confirmed that this run created it.
    is_confirmed: bool,
}

impl Run {
    /// Carries out the first operation.
    async fn call(&mut self, operations: &[Operation]) -> Result<Outcome, Cause> {
        let (client, cluster) = (&self.client, &self.cluster);
        match &operations[0] {
            Operation::UpdateAuthenticationMode { to, .. } => {
                self.updated_mode = true;
                self.update_mode(*to).await
            }
            Operation::CreateEntry { .. } => self.create(operations).await,
            Operation::UpdateEntry {
                principal_arn,
                username,
                groups,
            } => {
                let send = || {
                    let request = client.update_access_entry().cluster_name(cluster);
                    let request = request.principal_arn(principal_arn).username(username);
                    request.set_kubernetes_groups(Some(groups.clone())).send()
                };
                self.repeat_if_new(principal_arn, async || {
                    send().await.map_err(AwsError::of).map(drop)
                })
                .await?;
                Ok(Outcome::Changed)
            }
            Operation::DeleteEntry { principal_arn } => {
                let outcome = self.delete(principal_arn).await?;
                self.deleted.insert(principal_arn.clone());
                Ok(outcome)
            }
            Operation::AssociatePolicy {
                principal_arn,
                policy_arn,
                scope,
            } => {
                let send = || {
                    let request = client.associate_access_policy().cluster_name(cluster);
                    let request = request.principal_arn(principal_arn).policy_arn(policy_arn);
                    request.access_scope(sdk_scope(scope)).send()
                };
                self.repeat_if_new(principal_arn, async || {
                    send().await.map_err(AwsError::of).map(drop)
                })
                .await?;
                self.without_rights
                    .take_if(|new| new.principal_arn == *principal_arn);
                Ok(Outcome::Changed)
            }
            Operation::DisassociatePolicy {
                principal_arn,
                policy_arn,
            } => {
                let send = || {
                    let request = client.disassociate_access_policy().cluster_name(cluster);
                    let request = request.principal_arn(principal_arn).policy_arn(policy_arn);
                    request.send()
                };
                let answer = self
                    .repeat(async || send().await.map_err(AwsError::of))
                    .await;
                unchanged_if_missing(answer.map(drop))
            }
            Operation::TagEntry {
                principal_arn,
                entry_arn,
                tags,
            } => {
                let tags: HashMap<String, String> = tags.clone().into_iter().collect();
                let send = || {
                    let request = client.tag_resource().resource_arn(entry_arn);
                    request.set_tags(Some(tags.clone())).send()
                };
                self.repeat_if_new(principal_arn, async || {
                    send().await.map_err(AwsError::of).map(drop)
                })
                .await?;
                Ok(Outcome::Changed)
            }
            Operation::BindClusterAdmin { .. } | Operation::UnbindClusterAdmin { .. } => {
                unreachable!("not an EKS API call")
            }
        }
    }

    /// Creates an entry, or accepts an existing one that is the same.
    async fn create(&mut self, operations: &[Operation]) -> Result<Outcome, Cause> {
        let Operation::CreateEntry {
            principal_arn,
            kind,
            username,
            groups,
            tags,
        } = &operations[0]
        else {
            unreachable!("the caller matched it");
        };
        let gets_policy = |operation: &Operation| matches!(operation, Operation::AssociatePolicy { principal_arn: arn, .. } if arn == principal_arn);
        let lacks_rights =
            kind == STANDARD && groups.is_empty() && operations.iter().any(gets_policy);
        let new = |is_confirmed| NewEntry {
            principal_arn: principal_arn.clone(),
            tags: tags.keys().cloned().collect(),
            is_confirmed,
        };
        let mut delay = Delay::until(self.deadline);
        loop {
            let request = self
                .client
                .create_access_entry()
                .cluster_name(&self.cluster);
            let request = request
                .principal_arn(principal_arn)
                .r#type(kind)
                .set_username(username.clone())
                .set_kubernetes_groups((!groups.is_empty()).then(|| groups.clone()))
                .set_tags((!tags.is_empty()).then(|| tags.clone().into_iter().collect()));
            let error = match request.send().await {
                Ok(_) => {
                    self.created.insert(principal_arn.clone(), Instant::now());
                    self.without_rights = lacks_rights.then(|| new(true));
                    return Ok(Outcome::Changed);
                }
                Err(error) => AwsError::of(error),
            };
            if may_pass(&error) && lacks_rights {
                self.without_rights = Some(new(false));
            }
            if is_in_use(&error) {
                match described_entry(&self.client, &self.cluster, principal_arn).await {
                    Ok(Some(entry)) => {
                        let difference = difference(operations, &entry);
                        if difference.is_some() || has_rights(&entry) {
                            self.without_rights = None;
                        } else if lacks_rights {
                            self.without_rights = Some(new(false));
                        }
                        match difference {
                            None => return Ok(Outcome::Unchanged),
                            Some(_)
                                if self.deleted.contains(principal_arn) && delay.wait().await =>
                            {
                                continue;
                            }
                            Some(difference) => return Err(Cause::Different(difference)),
                        }
                    }
                    // The entry is not visible yet, or it was deleted after the call.
                    Ok(None) => {}
                    Err(error) if may_pass(&error) => {}
                    Err(error) => return Err(Cause::Aws(error)),
                }
            } else if !(may_pass(&error) || self.updated_mode && is_mode_gate(&error)) {
                return Err(Cause::Aws(error));
            }
            if !delay.wait().await {
                return Err(Cause::Aws(error));
            }
        }
    }

    async fn delete(&self, principal_arn: &str) -> Result<Outcome, Cause> {
        let send = || {
            let request = self.client.delete_access_entry();
            let request = request.cluster_name(&self.cluster);
            request.principal_arn(principal_arn).send()
        };
        let answer = self
            .repeat(async || send().await.map_err(AwsError::of))
            .await;
        unchanged_if_missing(answer.map(drop))
    }

    /// Deletes a new entry, unless it has permissions now or another client created it.
    async fn delete_without_rights(&self, new: &NewEntry) -> Result<Outcome, Cause> {
        let entry = self
            .repeat(async || described_entry(&self.client, &self.cluster, &new.principal_arn).await)
            .await?;
        let is_own = |entry: &AccessEntry| {
            let terms = entry.terms.as_ref();
            let tags = terms.map(|terms| &terms.tags);
            let has = |key| tags.is_some_and(|tags| tags.contains_key(key));
            new.is_confirmed || !new.tags.is_empty() && new.tags.iter().all(has)
        };
        match entry {
            Some(entry) if has_rights(&entry) || !is_own(&entry) => Ok(Outcome::Unchanged),
            // EKS may not show a new entry yet.
            None if !new.is_confirmed => Ok(Outcome::Unchanged),
            _ => self.delete(&new.principal_arn).await,
        }
    }

    /// Updates the authentication mode, and waits until the cluster has it.
    async fn update_mode(&self, to: AuthenticationMode) -> Result<Outcome, Cause> {
        let mut delay = Delay::until(self.deadline);
        let mut update_id: Option<String> = None;
        loop {
            let request = self.client.describe_cluster().name(&self.cluster);
            let error = match request.send().await.map_err(AwsError::of) {
                Ok(answer) => {
                    let cluster = answer.cluster;
                    let status = cluster.as_ref().and_then(|cluster| cluster.status.clone());
                    let status = status.unwrap_or(ClusterStatus::Active);
                    let access = cluster.and_then(|cluster| cluster.access_config);
                    let mode = access.and_then(|access| access.authentication_mode);
                    let mode = mode.and_then(|mode| AuthenticationMode::named(mode.as_str()));
                    let mode = mode.unwrap_or(AuthenticationMode::ConfigMap);
                    match status {
                        ClusterStatus::Active if is_at_least(mode, to) => {
                            return Ok(match update_id {
                                Some(_) => Outcome::Changed,
                                None => Outcome::Unchanged,
                            });
                        }
                        ClusterStatus::Active if update_id.is_none() => {
                            match self.request_mode(to).await {
                                Ok(id) => {
                                    update_id = Some(id);
                                    None
                                }
                                // Another update is in progress, which may be that of a call whose answer was lost.
                                Err(error)
                                    if is_in_use(&error)
                                        || may_pass(&error)
                                        || has_mode(&error, to) =>
                                {
                                    Some(error)
                                }
                                Err(error) => return Err(Cause::Aws(error)),
                            }
                        }
                        ClusterStatus::Active | ClusterStatus::Updating => {
                            match self.update_failure(update_id.as_deref()).await? {
                                Some(failure) => return Err(Cause::Update(failure)),
                                None => None,
                            }
                        }
                        status => return Err(Cause::NotReady(status.as_str().to_owned())),
                    }
                }
                Err(error) if may_pass(&error) => Some(error),
                Err(error) => return Err(Cause::Aws(error)),
            };
            if !delay.wait().await {
                return Err(error.map_or(Cause::StillUpdating { update_id }, Cause::Aws));
            }
        }
    }

    /// Requests the mode, and returns the id of the update.
    async fn request_mode(&self, to: AuthenticationMode) -> Result<String, AwsError> {
        let mode = UpdateAccessConfigRequest::builder()
            .authentication_mode(SdkMode::from(to.name()))
            .build();
        let request = self.client.update_cluster_config().name(&self.cluster);
        let answer = request.access_config(mode).send().await;
        let update = answer.map_err(AwsError::of)?.update;
        Ok(update.and_then(|update| update.id).unwrap_or_default())
    }

    /// Returns why an update ended; `None` if it is in progress, successful or unknown.
    async fn update_failure(&self, id: Option<&str>) -> Result<Option<UpdateFailure>, Cause> {
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Ok(None);
        };
        let request = self.client.describe_update().name(&self.cluster);
        let update = match request.update_id(id).send().await.map_err(AwsError::of) {
            Ok(answer) => answer.update,
            // The cluster's status and mode show the end of the update, too.
            Err(error) if may_pass(&error) || error.is_denial() || is_missing(&error) => None,
            Err(error) => return Err(Cause::Aws(error)),
        };
        Ok(update.and_then(|update| failure(id, update)))
    }

    /// Retries a call while a retry may succeed, until the deadline.
    async fn repeat<T, F>(&self, send: impl Fn() -> F) -> Result<T, Cause>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        self.repeat_while(send, may_pass).await
    }

    /// Retries a call. If this run created the entry, also retries while EKS does not find the entry.
    async fn repeat_if_new<T, F>(
        &self,
        principal_arn: &str,
        send: impl Fn() -> F,
    ) -> Result<T, Cause>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let created = self.created.get(principal_arn);
        let is_new = || created.is_some_and(|created| created.elapsed() < VISIBILITY_LIMIT);
        self.repeat_while(send, |error| {
            may_pass(error) || is_missing(error) && is_new()
        })
        .await
    }

    async fn repeat_while<T, F>(
        &self,
        send: impl Fn() -> F,
        may_pass: impl Fn(&AwsError) -> bool,
    ) -> Result<T, Cause>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let mut delay = Delay::until(self.deadline);
        loop {
            match send().await {
                Ok(answer) => return Ok(answer),
                Err(error) if may_pass(&error) && delay.wait().await => {}
                Err(error) => return Err(Cause::Aws(error)),
            }
        }
    }
}

/// The delays between retries.
struct Delay {
    deadline: Instant,
    next: Duration,
}

impl Delay {
    fn until(deadline: Instant) -> Self {
        Self {
            deadline,
            next: FIRST_DELAY,
        }
    }

    /// Waits. Returns false if the deadline has passed.
    async fn wait(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        // Clients that were throttled together should not retry together.
        let jittered = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        sleep(jittered.min(left)).await;
        self.next = (self.next * 2).min(LONGEST_DELAY);
        true
    }
}

/// Whether a retry may succeed: EKS throttles, had an internal error, or its answer was lost.
pub(super) fn may_pass(error: &AwsError) -> bool {
    match error {
        AwsError::Unreachable { .. }
        | AwsError::InvalidResponse { .. }
        | AwsError::EndlessList { .. } => true,
        _ => matches!(
            error.code(),
            Some(
                "Throttling"
                    | "ThrottlingException"
                    | "TooManyRequestsException"
                    | "RequestLimitExceeded"
                    | "ServerException"
                    | "ServiceUnavailableException"
                    | "InternalFailure"
            )
        ),
    }
}

pub(super) fn is_in_use(error: &AwsError) -> bool {
    error.code() == Some("ResourceInUseException")
}

fn is_missing(error: &AwsError) -> bool {
    error.code() == Some("ResourceNotFoundException")
}

/// Whether EKS refuses to update the mode because the cluster has already reached it since it was described.
fn has_mode(error: &AwsError, mode: AuthenticationMode) -> bool {
    let already = format!("mode update from {} to", mode.name());
    error
        .refused()
        .is_some_and(|refused| refused.message.contains(&already))
}

/// Treats an object that must be removed but does not exist as removed.
fn unchanged_if_missing(answer: Result<(), Cause>) -> Result<Outcome, Cause> {
    match answer {
        Ok(()) => Ok(Outcome::Changed),
        Err(Cause::Aws(error)) if is_missing(&error) => Ok(Outcome::Unchanged),
        Err(cause) => Err(cause),
    }
}

fn has_rights(entry: &AccessEntry) -> bool {
    let terms = entry.terms.as_ref();
    terms.is_some_and(|terms| !terms.groups.is_empty() || !terms.policies().is_empty())
}

/// Whether the first mode is the second one or one that follows it. A mode never changes back.
fn is_at_least(mode: AuthenticationMode, other: AuthenticationMode) -> bool {
    let rank = |mode| match mode {
        AuthenticationMode::ConfigMap => 0,
        AuthenticationMode::ApiAndConfigMap => 1,
        AuthenticationMode::Api => 2,
    };
    rank(mode) >= rank(other)
}

fn failure(id: &str, update: Update) -> Option<UpdateFailure> {
    let status = update
        .status
        .filter(|status| matches!(status, UpdateStatus::Failed | UpdateStatus::Cancelled))?;
    let reasons = update.errors.unwrap_or_default().into_iter();
    let reasons = reasons.filter_map(|error| error.error_message);
    Some(UpdateFailure {
        id: id.to_owned(),
        status: status.as_str().to_owned(),
        reasons: reasons.filter(|reason| !reason.is_empty()).collect(),
    })
}

fn sdk_scope(scope: &AccessScope) -> SdkScope {
    let builder = SdkScope::builder();
    match scope {
        AccessScope::Cluster => builder.r#type(AccessScopeType::Cluster),
        AccessScope::Namespaces(namespaces) => builder
            .r#type(AccessScopeType::Namespace)
            .set_namespaces(Some(namespaces.clone())),
    }
    .build()
}
