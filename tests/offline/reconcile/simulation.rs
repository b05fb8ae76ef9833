//! A simulated cluster in which decisions are carried out: objects, aws-auth, and other clients.

use std::collections::BTreeMap;
use std::sync::Arc;

use awsauth_core::access_entries::changed;
use awsauth_core::authenticator::{AccessEntries, Store, User};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::{Document, Principal, SectionName};
use awsauth_core::facts::node_inventory::NodeInventory;
use awsauth_core::plan::{Facts, Known};
use awsauth_core::reconcile::{
    AccessEntryChange, AccessEntryFailure, AwsAuthWriter, AwsFacts, Config, Decision,
    DeletionPolicy, DriftPolicy, EntryRecord, Input, InvalidSpec, Memory, Object, ObjectKind,
    OwnershipRecord, Reason, Regarding, Spec, Stage, Status, UnlistedAccessEntries, decide,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const ACCOUNT: &str = "111122223333";

/// The configuration of most tests.
pub(crate) const CONFIG: &str = r#"
grants:
- accounts: ["111122223333"]
  groups: [dev, "view-*"]
  usernames: ["*"]
"#;

#[derive(Clone, Debug)]
pub(crate) struct Simulation {
    pub(crate) config: Config,
    pub(crate) objects: Vec<Object>,
    pub(crate) stored: Snapshot,
    pub(crate) record: OwnershipRecord,
    pub(crate) memory: Memory,
    pub(crate) facts: Facts,
    pub(crate) entries: Option<Arc<AccessEntries>>,
    pub(crate) unlisted_entries: UnlistedAccessEntries,
    pub(crate) aws: AwsFacts,
    pub(crate) node_inventory: Known<NodeInventory>,
    pub(crate) now: Timestamp,
    /// How far the API server's clock is ahead, in seconds; `None` if its time is unknown.
    pub(crate) server_ahead: Option<i64>,
    pub(crate) manager: Option<String>,
    pub(crate) writes: usize,
    /// The calls that changed access entries.
    pub(crate) calls: usize,
    /// The object of which the API server stores no finalizer and no status before a write, for example because it is too large.
    pub(crate) unrecordable: Option<&'static str>,
    /// Whether the API server refuses each write to aws-auth.
    pub(crate) refuses_writes: bool,
    created: i64,
}

/// Where a reconciliation is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    Prepared,
    Written,
}

pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// Returns an entry of mapRoles.
pub(crate) fn entry(name: &str, username: &str, groups: &[&str]) -> String {
    format!(
        "- rolearn: {}\n  username: \"{username}\"\n  groups: [{}]\n",
        role(name),
        groups.join(", ")
    )
}

/// Returns the time this many seconds after the start of a simulation.
pub(crate) fn after_start(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T12:00:00.5Z".parse().expect("a time");
    start
        .checked_add(SignedDuration::from_secs(seconds))
        .expect("there is one")
}

/// Returns a node entry.
pub(crate) fn node_entry(name: &str) -> String {
    let groups = ["system:bootstrappers", "system:nodes"];
    entry(name, "system:node:{{EC2PrivateDNSName}}", &groups)
}

pub(crate) fn spec(name: &str, username: &str, groups: &[&str]) -> Spec {
    Spec {
        principal: Principal::Role(role(name)),
        username: Some(username.to_owned()),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        policies: Vec::new(),
        deletion: DeletionPolicy::Delete,
        drift: DriftPolicy::Repair,
        expires_at: None,
    }
}

impl Simulation {
    pub(crate) fn new(config: &str, roles: &str) -> Self {
        let mut simulation = Self {
            config: Config::parse(config).expect("a configuration"),
            objects: Vec::new(),
            stored: Snapshot::default(),
            record: OwnershipRecord::default(),
            memory: Memory::default(),
            facts: Facts::default(),
            entries: None,
            unlisted_entries: UnlistedAccessEntries::default(),
            aws: AwsFacts::default(),
            node_inventory: Known::NotRequested,
            now: after_start(0),
            server_ahead: Some(0),
            manager: None,
            writes: 0,
            calls: 0,
            unrecordable: None,
            refuses_writes: false,
            created: 0,
        };
        simulation.set("mapRoles", roles);
        simulation
    }

    /// Writes mapRoles as one client and then mapUsers as another, before the controller reconciles; it sees both.
    pub(crate) fn set_beside(&mut self, roles: &str, manager: &str) {
        let writers = [("mapRoles", roles, manager), ("mapUsers", "[]\n", "busy")];
        for (key, text, manager) in writers {
            let before = self.stored.clone();
            self.set(key, text);
            self.manager = Some(manager.to_owned());
            let writers = self.last_writers();
            self.memory
                .observe_change(&before, &self.stored, Some(&writers));
        }
    }

    /// Writes a key of aws-auth as another client.
    pub(crate) fn set(&mut self, key: &str, text: &str) {
        self.stored.data.insert(key.to_owned(), text.into());
        self.manager = Some("kubectl-edit".to_owned());
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.stored.data.get(key).map_or("", AsRef::as_ref)
    }

    pub(crate) fn create(&mut self, name: &str, spec: Spec) {
        self.created += 1;
        self.objects.push(Object {
            kind: ObjectKind::AwsAuthMapping,
            name: name.to_owned(),
            uid: format!("uid-{}", self.created),
            generation: 1,
            created: self
                .now
                .checked_add(SignedDuration::from_secs(self.created))
                .expect("there is one"),
            is_deleting: false,
            has_finalizer: false,
            spec: Ok(spec),
            status: Status::default(),
        });
    }

    pub(crate) fn with(mut self, name: &str, spec: Spec) -> Self {
        self.create(name, spec);
        self
    }

    pub(crate) fn object(&self, name: &str) -> &Object {
        self.objects
            .iter()
            .find(|object| object.name == name)
            .expect("there is one")
    }

    pub(crate) fn change(&mut self, name: &str, change: impl FnOnce(&mut Spec)) {
        let mut objects = self.objects.iter_mut();
        let object = objects
            .find(|object| object.name == name)
            .expect("there is one");
        let before = object.spec.clone();
        change(object.spec.as_mut().expect("a spec"));
        object.generation += i64::from(object.spec != before);
    }

    /// Replaces the spec by one that the API server accepts and the controller does not. These parts of it are still valid.
    pub(crate) fn invalidate(
        &mut self,
        name: &str,
        deletion: DeletionPolicy,
        expires_at: Option<Timestamp>,
    ) {
        let mut objects = self.objects.iter_mut();
        let object = objects.find(|object| object.name == name);
        let object = object.expect("there is one");
        object.generation += 1;
        object.spec = Err(InvalidSpec {
            why: "its policies are longer than 16 KiB".to_owned(),
            deletion,
            expires_at,
        });
    }

    /// Writes a status as a user with permissions on awsauthmappings/status: the object claims this entry.
    pub(crate) fn forge_entry(&mut self, name: &str, forged: EntryRecord) {
        let mut objects = self.objects.iter_mut();
        let object = objects.find(|object| object.name == name);
        let object = object.expect("there is one");
        object.has_finalizer = true;
        object.status.pending.push(forged.clone());
        object.status.entry = Some(forged);
    }

    /// Deletes an object. Like in the API server, it is kept until its finalizer is removed.
    /// Lets the last change of the object's access entry have failed.
    pub(crate) fn fail_entry_change(
        &mut self,
        name: &str,
        message: &str,
        is_removal: bool,
        count: u32,
        retry_at: Timestamp,
    ) {
        let object = self.object(name);
        let failure = AccessEntryFailure {
            generation: object.generation,
            is_removal,
            message: message.to_owned(),
            count,
            retry_at,
        };
        let uid = object.uid.clone();
        self.memory.entry_failures.insert(uid, failure);
    }

    pub(crate) fn delete(&mut self, name: &str) {
        for object in self.objects.iter_mut().filter(|object| object.name == name) {
            object.is_deleting = true;
        }
        self.objects
            .retain(|object| !object.is_deleting || object.has_finalizer);
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .expect("there is one");
    }

    pub(crate) fn server_time(&self) -> Option<Timestamp> {
        let ahead = SignedDuration::from_secs(self.server_ahead?);
        Some(self.now.checked_add(ahead).expect("there is one"))
    }

    fn last_writers(&self) -> [AwsAuthWriter; 3] {
        [(); 3].map(|()| AwsAuthWriter {
            manager: self.manager.clone(),
            user: None,
        })
    }

    pub(crate) fn decide(&self, stage: Stage) -> Decision {
        self.decide_about(&self.objects, stage)
    }

    pub(crate) fn decide_about(&self, objects: &[Object], stage: Stage) -> Decision {
        let last_writers = self.last_writers();
        decide(&Input {
            stage,
            config: &self.config,
            objects,
            stored: &self.stored,
            record: &self.record,
            last_writers: &last_writers,
            memory: &self.memory,
            facts: &self.facts,
            access_entries: self.entries.as_ref(),
            unlisted_access_entries: &self.unlisted_entries,
            aws: &self.aws,
            node_inventory: &self.node_inventory,
            now: self.now,
            server_time: self.server_time(),
        })
    }

    /// Reconciles like the controller, which may be interrupted. Returns the events.
    pub(crate) fn reconcile_until(&mut self, crash: Option<Crash>) -> Vec<String> {
        let first = self.decide(Stage::Preparing);
        self.record = first.prepare_record.unwrap_or(self.record.clone());
        for preparation in first.prepare {
            let object = &mut self.objects[preparation.object];
            if self.unrecordable == Some(&object.name) {
                continue;
            }
            object.has_finalizer |= preparation.finalizer;
            if let Some(status) = preparation.status {
                object.status = status;
            }
        }
        if crash == Some(Crash::Prepared) {
            self.memory = Memory::default();
            return Vec::new();
        }
        let decision = self.decide(Stage::Writing);
        if decision.plan.is_some() && self.refuses_writes {
            return self.change_entries(&decision.entry_changes);
        }
        if let Some(plan) = &decision.plan {
            assert!(plan.refusals.is_empty() && plan.open_questions.is_empty());
            assert!(plan.change.owners_annotation.is_none() && plan.change.other_data.is_empty());
            for (key, text) in &plan.change.data {
                self.stored
                    .data
                    .insert((*key).to_owned(), text.clone().expect("a text"));
            }
            self.manager = None;
            self.writes += 1;
        }
        if crash == Some(Crash::Written) {
            self.memory = Memory::default();
            return Vec::new();
        }
        let messages = decision.events.iter().map(|event| match event.regarding {
            Regarding::Object(at) => format!(
                "{} {}: {}",
                event.reason, self.objects[at].name, event.message
            ),
            Regarding::AwsAuth => format!("{} aws-auth: {}", event.reason, event.message),
        });
        let mut messages: Vec<String> = messages.collect();
        let mut entry_changes = decision.entry_changes;
        if decision.plan.is_some() && decision.has_deferred {
            let before = std::mem::replace(&mut self.memory, decision.memory.clone());
            entry_changes = self.decide(Stage::Writing).entry_changes;
            self.memory = before;
        }
        messages.extend(self.change_entries(&entry_changes));
        for (object, report) in self.objects.iter_mut().zip(&decision.reports) {
            object.status = report.status.clone();
            object.has_finalizer &= !report.remove_finalizer;
        }
        let mut reports = decision.reports.iter();
        self.objects.retain(|object| {
            let is_released = reports.next().is_some_and(|report| report.remove_finalizer);
            !(object.is_deleting && is_released)
        });
        self.memory = decision.memory;
        // Stored as text.
        self.record = OwnershipRecord::parse(&decision.record.to_text());
        messages
    }

    /// Makes changes to access entries as EKS does. Returns their events.
    fn change_entries(&mut self, changes: &[AccessEntryChange]) -> Vec<String> {
        let messages = changes.iter().filter_map(|change| {
            let event = change.event.as_ref()?;
            let object = change.object.map(|at| self.objects[at].name.as_str());
            let name = object.unwrap_or("aws-auth");
            Some(format!("{} {name}: {}", event.reason, event.message))
        });
        let messages = messages.collect();
        for AccessEntryChange { change, .. } in changes {
            let entries = self.entries.take().expect("access entries");
            let mut all = entries.all().into_iter().flatten();
            let found = all.find(|entry| entry.principal_arn == change.principal_arn);
            assert_eq!(found.cloned(), change.entry_before(), "{change:?}");
            self.entries = Some(Arc::new(changed(&entries, std::slice::from_ref(change))));
            self.calls += change.operations().len();
        }
        messages
    }

    /// Reconciles until nothing changes any more. Returns the events.
    pub(crate) fn settle(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..10 {
            let before = self.clone();
            events.extend(self.reconcile_until(None));
            let is_same = before.objects == self.objects
                && before.record == self.record
                && before.stored == self.stored
                && before.calls == self.calls;
            if is_same {
                break;
            }
        }
        self.assert_settled();
        events
    }

    /// Reconciles, and asserts that another reconciliation would change nothing. Returns the events.
    pub(crate) fn reconcile(&mut self) -> Vec<String> {
        let events = self.reconcile_until(None);
        self.assert_settled();
        events
    }

    pub(crate) fn assert_settled(&self) {
        for stage in [Stage::Preparing, Stage::Writing] {
            let next = self.decide(stage);
            assert_eq!(next.prepare, [], "{self:#?}");
            assert!(!next.has_deferred, "{self:#?}");
            assert!(
                next.plan.is_none(),
                "{}\n{self:#?}",
                next.plan.expect("a plan").text()
            );
            assert_eq!(next.entry_changes, [], "{self:#?}");
            assert_eq!(next.events, [], "{self:#?}");
            assert_eq!(next.memory, self.memory);
            assert_eq!(next.prepare_record, None, "{self:#?}");
            assert_eq!(next.record, self.record, "{self:#?}");
            for (object, report) in self.objects.iter().zip(&next.reports) {
                assert_eq!(object.status, report.status, "{self:#?}");
                assert!(
                    !(report.remove_finalizer && object.has_finalizer),
                    "{object:?}"
                );
            }
        }
    }

    /// Returns the reason and the message of an object's condition Ready.
    pub(crate) fn ready(&self, name: &str) -> (Reason, &str) {
        let status = &self.object(name).status;
        let ready = &status.conditions[0];
        (ready.reason, &ready.message)
    }

    pub(crate) fn reason(&self, name: &str) -> Reason {
        self.ready(name).0
    }

    /// Returns the effective mappings of aws-auth, by ARN or account.
    pub(crate) fn effective(&self) -> BTreeMap<String, Vec<User>> {
        let document = Document::read(&self.stored.data);
        let mut effective: BTreeMap<String, Vec<User>> = BTreeMap::new();
        for (arn, slot) in Store::new(&document).in_force() {
            let users = effective.entry(arn.to_lowercase()).or_default();
            users.push(User::from(slot.mapping));
        }
        for slot in Store::new(&document).section(SectionName::Accounts) {
            let account = slot.mapping.principal.text().to_owned();
            effective.entry(account).or_default();
        }
        effective
    }
}
