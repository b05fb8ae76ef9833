//! A simulated cluster in which decisions are carried out: objects, aws-auth, and other clients.

use std::collections::BTreeMap;
use std::sync::Arc;

use awsauth_core::authenticator::{AccessEntries, Store, User};
use awsauth_core::document::{Document, Principal, SectionName};
use awsauth_core::facts::node_inventory::NodeInventory;
use awsauth_core::plan::{Facts, Known};
use awsauth_core::reconcile::{
    About, Config, Decision, DeletionPolicy, DriftPolicy, Memory, Object, ObjectKind, Reason, Spec,
    Stage, Status, View, decide,
};
use awsauth_core::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};

pub(crate) const ACCOUNT: &str = "111122223333";

/// What most tests approve.
pub(crate) const CONFIG: &str = r#"
grants:
- accounts: ["111122223333"]
  groups: [dev, "view-*"]
"#;

#[derive(Clone, Debug)]
pub(crate) struct Simulation {
    pub(crate) config: Config,
    pub(crate) objects: Vec<Object>,
    pub(crate) stored: Snapshot,
    pub(crate) memory: Memory,
    pub(crate) facts: Facts,
    pub(crate) entries: Option<Arc<AccessEntries>>,
    pub(crate) node_inventory: Known<NodeInventory>,
    pub(crate) now: Timestamp,
    pub(crate) manager: Option<String>,
    pub(crate) writes: usize,
    born: i64,
}

/// Where a look stops short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    Prepared,
    Written,
}

pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

/// An entry of mapRoles.
pub(crate) fn entry(name: &str, username: &str, groups: &[&str]) -> String {
    format!(
        "- rolearn: {}\n  username: \"{username}\"\n  groups: [{}]\n",
        role(name),
        groups.join(", ")
    )
}

/// What nodes need.
pub(crate) fn node_entry(name: &str) -> String {
    let groups = ["system:bootstrappers", "system:nodes"];
    entry(name, "system:node:{{EC2PrivateDNSName}}", &groups)
}

pub(crate) fn spec(name: &str, username: &str, groups: &[&str]) -> Spec {
    Spec {
        principal: Principal::Role(role(name)),
        username: Some(username.to_owned()),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        deletion: DeletionPolicy::Delete,
        drift: DriftPolicy::Repair,
    }
}

impl Simulation {
    pub(crate) fn new(config: &str, roles: &str) -> Self {
        let mut simulation = Self {
            config: Config::parse(config).expect("a configuration"),
            objects: Vec::new(),
            stored: Snapshot::default(),
            memory: Memory::default(),
            facts: Facts::default(),
            entries: None,
            node_inventory: Known::NotRequested,
            now: "2026-11-20T12:00:00.5Z".parse().expect("a time"),
            manager: None,
            writes: 0,
            born: 0,
        };
        simulation.set("mapRoles", roles);
        simulation
    }

    /// A write by another client.
    pub(crate) fn set(&mut self, key: &str, text: &str) {
        self.stored.data.insert(key.to_owned(), text.into());
        self.manager = Some("kubectl-edit".to_owned());
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.stored.data.get(key).map_or("", AsRef::as_ref)
    }

    pub(crate) fn create(&mut self, name: &str, spec: Spec) {
        self.born += 1;
        self.objects.push(Object {
            kind: ObjectKind::AwsAuthMapping,
            name: name.to_owned(),
            uid: format!("uid-{}", self.born),
            generation: 1,
            created: self
                .now
                .checked_add(SignedDuration::from_secs(self.born))
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

    /// Like the API server: an object with a finalizer stays until the finalizer is removed.
    pub(crate) fn delete(&mut self, name: &str) {
        for object in self.objects.iter_mut().filter(|object| object.name == name) {
            object.is_deleting = true;
        }
        self.objects
            .retain(|object| !object.is_deleting || object.has_finalizer);
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now = self
            .now
            .checked_add(SignedDuration::from_secs(seconds))
            .expect("there is one");
    }

    pub(crate) fn decide(&self, stage: Stage) -> Decision {
        self.decide_about(&self.objects, stage)
    }

    pub(crate) fn decide_about(&self, objects: &[Object], stage: Stage) -> Decision {
        decide(&View {
            stage,
            config: &self.config,
            objects,
            stored: &self.stored,
            last_manager: self.manager.as_deref(),
            memory: &self.memory,
            facts: &self.facts,
            access_entries: self.entries.as_ref(),
            node_inventory: &self.node_inventory,
            now: self.now,
        })
    }

    /// A look as the controller takes it, which may stop short.
    pub(crate) fn look_until(&mut self, crash: Option<Crash>) -> Vec<String> {
        let first = self.decide(Stage::Preparing);
        for preparation in first.prepare {
            let object = &mut self.objects[preparation.object];
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
        let told = decision.events.iter().map(|event| match event.about {
            About::Object(at) => format!(
                "{} {}: {}",
                event.reason, self.objects[at].name, event.message
            ),
            About::AwsAuth => format!("{} aws-auth: {}", event.reason, event.message),
        });
        let told = told.collect();
        for (object, state) in self.objects.iter_mut().zip(&decision.states) {
            object.status = state.status.clone();
            object.has_finalizer &= !state.release;
        }
        let mut states = decision.states.iter();
        self.objects.retain(|object| {
            let released = states.next().is_some_and(|state| state.release);
            !(object.is_deleting && released)
        });
        self.memory = decision.memory;
        told
    }

    /// A look, after which another finds nothing to do and nothing to say.
    pub(crate) fn look(&mut self) -> Vec<String> {
        let told = self.look_until(None);
        self.is_settled();
        told
    }

    pub(crate) fn is_settled(&self) {
        for stage in [Stage::Preparing, Stage::Writing] {
            let next = self.decide(stage);
            assert_eq!(next.prepare, [], "{self:#?}");
            assert!(!next.waits, "{self:#?}");
            assert!(
                next.plan.is_none(),
                "{}\n{self:#?}",
                next.plan.expect("a plan").text()
            );
            assert_eq!(next.events, [], "{self:#?}");
            assert_eq!(next.memory, self.memory);
            for (object, state) in self.objects.iter().zip(&next.states) {
                assert_eq!(object.status, state.status, "{self:#?}");
                assert!(!(state.release && object.has_finalizer), "{object:?}");
            }
        }
    }

    /// The reason of an object's Ready, and what its message says.
    pub(crate) fn said(&self, name: &str) -> (Reason, &str) {
        let status = &self.object(name).status;
        let ready = &status.conditions[0];
        (ready.reason, &ready.message)
    }

    pub(crate) fn reason(&self, name: &str) -> Reason {
        self.said(name).0
    }

    /// The effective mappings of aws-auth, by ARN.
    pub(crate) fn meaning(&self) -> BTreeMap<String, Vec<User>> {
        let document = Document::read(&self.stored.data);
        let mut meaning: BTreeMap<String, Vec<User>> = BTreeMap::new();
        for (arn, slot) in Store::new(&document).in_force() {
            let users = meaning.entry(arn.to_lowercase()).or_default();
            users.push(User::from(slot.mapping));
        }
        for slot in Store::new(&document).section(SectionName::Accounts) {
            let account = slot.mapping.principal.text().to_owned();
            meaning.entry(account).or_default();
        }
        meaning
    }
}
