use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::config::Config;
use super::object::{Object, Recorded, Status};
use crate::authenticator::AccessEntries;
use crate::facts::node_inventory::NodeInventory;
use crate::plan::{Facts, Guard, Known, Plan};
use crate::snapshot::Snapshot;

/// The input of a decision.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The purpose of the decision.
    pub stage: Stage,
    /// The approved and protected entries.
    pub config: &'a Config,
    /// All objects, in any order.
    pub objects: &'a [Object],
    /// The stored aws-auth; empty if there is none.
    pub stored: &'a Snapshot,
    /// The field manager that last wrote aws-auth; `None` if unknown or if it was the controller itself.
    pub last_manager: Option<&'a str>,
    /// State from earlier reconciliations.
    pub memory: &'a Memory,
    /// Facts that guards need.
    pub facts: &'a Facts,
    /// The cluster's access entries; `None` if unknown.
    pub access_entries: Option<&'a Arc<AccessEntries>>,
    /// The roles of the cluster's nodes, or what is needed to find them.
    pub node_inventory: &'a Known<NodeInventory>,
    /// The time.
    pub now: Timestamp,
}

/// The purpose of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To find out what must be recorded. The plan contains what would be written after that.
    Preparing,
    /// To write. Changes that are not recorded yet are left out of the plan, reported as before, and decided again.
    Writing,
}

/// The output of a decision.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What must be recorded before aws-auth is written.
    pub prepare: Vec<Preparation>,
    /// The write, which no guard refuses; `None` if there is nothing to write.
    pub plan: Option<Plan>,
    /// What to report of each object once the plan is carried out, in the order of [`View::objects`].
    pub states: Vec<State>,
    /// The events to emit once the plan is carried out.
    pub events: Vec<Event>,
    /// The guards that refused a change, once per refusal.
    pub refused: Vec<Guard>,
    /// Why the controller does nothing, such as the authentication mode API; a sentence.
    pub idle: Option<String>,
    /// Whether what is said of a protected entry depends on [`View::node_inventory`], because one is gone: before a plan is carried out that puts
    /// one back, facts of now are needed, since EKS itself removes the entry of a node group that it deletes.
    pub asks_fleet: bool,
    /// The state to keep once the plan is carried out.
    pub memory: Memory,
    /// Whether something has to be recorded first that was not, which keeps it from being written: it is to be decided anew once it is.
    pub waits: bool,
    /// When the next decision is due even if no object and no aws-auth changes.
    pub again: Option<Timestamp>,
}

/// What must be recorded in an object before aws-auth is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// The index in [`View::objects`].
    pub object: usize,
    /// Whether it needs the finalizer. Always false for an IAMIdentityMapping.
    pub finalizer: bool,
    /// The status to write; `None` if it is already recorded.
    pub status: Option<Status>,
}

/// The report for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its status; not written if unchanged.
    pub status: Status,
    /// Whether to remove its finalizer, if present: the object is being deleted and needs no more changes.
    pub release: bool,
}

/// A Kubernetes event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The object it refers to.
    pub about: About,
    /// Its type.
    pub kind: EventKind,
    /// Its `reason`, in one word.
    pub reason: &'static str,
    /// Its `message`, for users.
    pub message: String,
}

/// The object an event refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An index in [`View::objects`].
    Object(usize),
    /// The ConfigMap aws-auth.
    AwsAuth,
}

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `Normal`.
    Normal,
    /// `Warning`: needs attention.
    Warning,
}

/// State kept between reconciliations. If it is lost, entries removed earlier are unknown, and a manager that keeps changing
/// an entry gets three more repairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The last known protected entries, by folded ARN.
    pub protected: BTreeMap<String, Protected>,
    /// The repairs of the last ten minutes, and those after which it was stopped; by section and folded ARN or account.
    pub repairs: BTreeMap<String, Vec<Repair>>,
}

/// A protected entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    /// Its content.
    pub entry: Recorded,
    /// Whether it is missing and an event reported that.
    pub is_reported: bool,
}

/// A repair of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// When it was made.
    pub at: Timestamp,
    /// The manager whose change was reverted; `None` if unknown.
    pub manager: Option<String>,
    /// The object it was made for, by UID and generation; `None` for a protected entry.
    pub object: Option<(String, i64)>,
}
