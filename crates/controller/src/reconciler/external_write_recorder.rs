//! Records writes by other clients in the history, and finds out which user is behind a write by awsauth's commands.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, warn};

use super::Reconciler;
use crate::cache::StoredAwsAuth;
use awsauth_core::error_chain;
use awsauth_core::history::{Contents, Who};
use awsauth_core::reconcile::{AwsAuthWriter, Memory};
use awsauth_kube::history::{ObservedChange, Writer, record_observed};
use awsauth_kube::is_own_manager;

/// The timeout of recording a write. The reconciliation waits for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What is known about writes to aws-auth so far.
#[derive(Debug, Default)]
pub(crate) struct ExternalWriteRecorder {
    /// The last observed state; `None` until the first one.
    state: Option<StoredAwsAuth>,
    /// The resourceVersion that this controller's last write left.
    own_version: u64,
    /// The last write that the history attributes to an awsauth command: the resourceVersion that it left, and the user.
    command: Option<(u64, Option<Who>)>,
    /// The error of the last access to the history, if it failed.
    error: Option<String>,
}

impl ExternalWriteRecorder {
    /// Forgets the state. Another replica has observed what happened since.
    pub(super) fn forget(&mut self) {
        self.state = None;
    }

    /// Registers a write of this controller, which is already in the history.
    pub(super) fn wrote(&mut self, stored: &StoredAwsAuth) {
        self.own_version = stored.version();
    }

    fn is_by_controller(&self, stored: &StoredAwsAuth) -> bool {
        let is_own = stored.last_manager.is_none() || stored.version() == self.own_version;
        stored.exists() && is_own
    }

    /// Returns the memory after these states, which are not observed yet.
    pub(super) fn memory_after<'m>(
        &self,
        states: &[StoredAwsAuth],
        memory: &'m Memory,
    ) -> Cow<'m, Memory> {
        let Some(mut before) = self.state.as_ref().filter(|_| !states.is_empty()) else {
            return Cow::Borrowed(memory);
        };
        let mut memory = memory.clone();
        for after in states {
            let writers = self.writers_of(after);
            let writers = (!self.is_by_controller(after)).then_some(&writers);
            memory.observe_change(&before.snapshot, &after.snapshot, writers);
            before = after;
        }
        Cow::Owned(memory)
    }

    /// Returns the field manager and the user that wrote this aws-auth, as far as known.
    pub(super) fn writers_of(&self, stored: &StoredAwsAuth) -> [AwsAuthWriter; 3] {
        let command = self.command.as_ref();
        let command = command.filter(|(version, _)| *version == stored.version());
        let user = command.and_then(|(_, who)| who.as_ref()?.name());
        stored
            .section_managers
            .clone()
            .map(|manager| AwsAuthWriter {
                user: user
                    .filter(|_| manager.as_deref() == Some(awsauth_kube::FIELD_MANAGER))
                    .map(str::to_owned),
                manager,
            })
    }
}

impl Reconciler {
    /// Records what other clients wrote since the last call.
    pub(super) async fn observe(&mut self, stored: &StoredAwsAuth) {
        let mut states = self.cache.take_states();
        if self.external_writes.state.is_none() {
            // The previous leader has recorded the earlier ones.
            states = [stored.clone()].into();
            if !stored.exists() {
                self.external_writes.state = self.cache.last_existing();
            }
        }
        for state in states {
            let before = self.external_writes.state.replace(state.clone());
            self.observe_change(before.as_ref(), &state).await;
        }
    }

    /// Records a change. `before` is `None` when this replica starts to observe: then only an existing aws-auth is compared with what
    /// the history ends with.
    async fn observe_change(&mut self, before: Option<&StoredAwsAuth>, after: &StoredAwsAuth) {
        let is_by_controller = self.external_writes.is_by_controller(after);
        let is_unchanged = before.map_or(!after.exists(), |before| {
            Contents::of(&before.snapshot) == Contents::of(&after.snapshot)
        });
        if is_unchanged {
            return;
        }
        if is_by_controller {
            self.observe_writers(before, after, None);
            return;
        }
        let manager = after.last_manager.as_deref();
        let change = ObservedChange {
            before: before.map(|before| &before.snapshot),
            after: &after.snapshot,
            manager,
            is_own: manager.is_some_and(is_own_manager),
        };
        let deadline = Instant::now() + TIMEOUT;
        let error = match record_observed(&self.context.client, change, deadline).await {
            Ok(Writer::Awsauth(who)) => {
                self.external_writes.command = Some((after.version(), who));
                None
            }
            Ok(Writer::Other(revision)) => {
                debug!(revision, manager, "recorded a write of another client");
                None
            }
            Ok(Writer::Unchanged) => None,
            Err(error) => Some(error_chain::text(&error)),
        };
        if let Some(why) = error
            .as_ref()
            .filter(|_| self.external_writes.error != error)
        {
            warn!(
                error = why,
                "a write of another client is not in the history"
            );
        }
        self.external_writes.error = error;
        let writers = self.external_writes.writers_of(after);
        self.observe_writers(before, after, Some(&writers));
    }

    fn observe_writers(
        &mut self,
        before: Option<&StoredAwsAuth>,
        after: &StoredAwsAuth,
        writers: Option<&[AwsAuthWriter; 3]>,
    ) {
        if let Some(before) = before {
            let memory = &mut self.memory;
            memory.observe_change(&before.snapshot, &after.snapshot, writers);
        }
    }
}

#[cfg(test)]
mod tests {
    use awsauth_kube::Live;
    use serde_json::{Value, json};

    use super::*;
    use crate::cache::Cache;

    const ENTRY: &str = "- rolearn: arn:aws:iam::111122223333:role/nodes\n  username: node\n";

    fn live(version: u64, roles: &str, managers: &[&str]) -> Live {
        let managed = |at: usize, manager: &str| -> Value {
            json!({
                "manager": manager,
                "operation": "Update",
                "time": format!("2026-01-01T00:00:0{at}Z"),
                "fieldsV1": {"f:data": {"f:mapRoles": {}}},
            })
        };
        let managers = managers.iter().enumerate();
        let managers: Vec<Value> = managers.map(|(at, name)| managed(at, name)).collect();
        Live::stored(json!({
            "metadata": {"uid": "1", "resourceVersion": version.to_string(), "managedFields": managers},
            "data": {"mapRoles": roles},
        }))
    }

    #[test]
    fn removal_in_a_state_that_is_not_observed_yet_is_attributed_to_its_writer() {
        let cache = Cache::default();
        let mut recorder = ExternalWriteRecorder {
            state: Some(cache.put_aws_auth(&live(1, ENTRY, &["earlier"]))),
            ..ExternalWriteRecorder::default()
        };
        cache.take_states();
        let mut memory = Memory::default();
        let writers = recorder.writers_of(recorder.state.as_ref().expect("a state"));
        let nothing = StoredAwsAuth::default();
        let state = recorder.state.clone().expect("a state");
        memory.observe_change(&nothing.snapshot, &state.snapshot, Some(&writers));
        let writer = |memory: &Memory| {
            let [writer] = Vec::from_iter(memory.changed_by.values().cloned())
                .try_into()
                .expect("the writer of one entry");
            AwsAuthWriter::clone(&writer).manager
        };
        assert_eq!(writer(&memory).as_deref(), Some("earlier"));

        // One client removes the entry, and another one writes the section before the controller does.
        cache.put_aws_auth(&live(2, "[]\n", &["earlier", "remover"]));
        let last = cache.put_aws_auth(&live(3, "# theirs\n[]\n", &["earlier", "remover", "busy"]));
        let after = recorder.memory_after(&cache.states_until(&last), &memory);
        assert_eq!(writer(&after).as_deref(), Some("remover"));
        assert_eq!(writer(&memory).as_deref(), Some("earlier"));

        // The same without a writer: the controller removed it itself.
        recorder.own_version = 2;
        let after = recorder.memory_after(&cache.states_until(&last), &memory);
        assert!(after.changed_by.is_empty());
    }
}
