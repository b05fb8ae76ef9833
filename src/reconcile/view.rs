use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::config::Config;
use super::object::{Object, Recorded, Status};
use crate::effect::AccessEntries;
use crate::facts::fleet::Fleet;
use crate::plan::{Facts, Guard, Known, Plan};
use crate::snapshot::Snapshot;

/// Everything that a decision stands on.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What to decide.
    pub stage: Stage,
    /// What is approved and protected.
    pub config: &'a Config,
    /// All objects, in any order.
    pub objects: &'a [Object],
    /// What is stored of aws-auth; an empty one when there is none.
    pub stored: &'a Snapshot,
    /// The field manager that wrote aws-auth last; `None` when that is not known, and when it was the controller itself.
    pub last_manager: Option<&'a str>,
    /// What was learnt in earlier looks.
    pub memory: &'a Memory,
    /// What guards have to know.
    pub facts: &'a Facts,
    /// The cluster's access entries; `None` when nobody knows of any.
    pub access_entries: Option<&'a Arc<AccessEntries>>,
    /// What the cluster's nodes sign in with, or what it would take to know.
    pub fleet: &'a Known<Fleet>,
    /// The time.
    pub now: Timestamp,
}

/// What a decision is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To learn what has to be recorded. The plan is what would be written once it is.
    Preparing,
    /// To write. What is not recorded yet is left out of the plan, reported as it was, and looked at again.
    Writing,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What has to be recorded before aws-auth is written.
    pub prepare: Vec<Preparation>,
    /// What to write, which no guard refuses; `None` when nothing is to be written.
    pub plan: Option<Plan>,
    /// What to report of each object once the plan is carried out, in the order of [`View::objects`].
    pub states: Vec<State>,
    /// What to tell once the plan is carried out.
    pub events: Vec<Event>,
    /// Which guards have refused something; each as often as it did.
    pub refused: Vec<Guard>,
    /// Why nothing is done at all, such as the authentication mode API; a sentence.
    pub idle: Option<String>,
    /// Whether what is said of a protected entry depends on [`View::fleet`], because one is gone: before a plan is carried out that puts
    /// one back, facts of now are needed, since EKS itself removes the entry of a node group that it deletes.
    pub asks_fleet: bool,
    /// What to remember once the plan is carried out.
    pub memory: Memory,
    /// Whether something has to be recorded first that was not, which keeps it from being written: it is to be decided anew once it is.
    pub waits: bool,
    /// When something is due that no change of an object or of aws-auth will bring up.
    pub again: Option<Timestamp>,
}

/// What has to be recorded in an object before aws-auth is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// Which of [`View::objects`].
    pub object: usize,
    /// Whether it needs the finalizer. Never of an IAMIdentityMapping.
    pub finalizer: bool,
    /// The status to write; `None` when it is recorded already.
    pub status: Option<Status>,
}

/// What to report of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its status; nothing is to be written where it is what it was.
    pub status: Status,
    /// Whether its finalizer is to be removed, if it has it. Of an object that is being deleted: nothing is left to do for it.
    pub release: bool,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// About what.
    pub about: About,
    /// Whether all is well.
    pub kind: EventKind,
    /// Its `reason`, in one word.
    pub reason: &'static str,
    /// Its `message`, for people.
    pub message: String,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// This one of [`View::objects`].
    Object(usize),
    /// The ConfigMap aws-auth.
    AwsAuth,
}

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// All is well.
    Normal,
    /// Somebody should look.
    Warning,
}

/// What is remembered from one look to the next. It may be lost: then entries that went before are not known, and somebody who changes
/// an entry again and again is given three more repairs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The protected entries as they were last seen, by their folded ARN.
    pub protected: BTreeMap<String, Protected>,
    /// The repairs of the last ten minutes, and those after which it was stopped; by section and folded ARN or account.
    pub repairs: BTreeMap<String, Vec<Repair>>,
}

/// A protected entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    /// What it said.
    pub entry: Recorded,
    /// Whether it is gone, and that was told.
    pub is_reported: bool,
}

/// A repair that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// When.
    pub at: Timestamp,
    /// Against whom; `None` when that was not known.
    pub manager: Option<String>,
    /// For which object, by uid and generation; `None` for a protected entry.
    pub object: Option<(String, i64)>,
}
