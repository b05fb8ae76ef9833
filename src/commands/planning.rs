//! Plans what is asked for on what was read, and asks beforehand what guards have to know.

use std::sync::Arc;

use super::write::Asking;
use crate::document::edit::{Edit, EditError, Groups};
use crate::edge::{Failure, Kind, Out};
use crate::effect::AccessEntries;
use crate::plan::{Allowed, Facts, Known, Plan, Request};
use crate::snapshot::{Change, Snapshot};
use crate::world::{Gathered, World};

/// So often guards may ask: whether one may write, who is bound, whom access entries let in.
pub(super) const QUESTIONS: usize = 3;

/// Whether what is bound to `cluster-admin` is going to matter: for groups of somebody's own, and where nobody knows which. What the
/// last administrator is, is asked when one goes.
pub(super) fn wants_admins(edits: &[Edit]) -> bool {
    let is_own = |group: &String| !group.starts_with("system:");
    edits.is_empty()
        || edits.iter().any(|edit| match edit {
            Edit::Map { groups, .. } => match groups {
                Groups::Set(groups) | Groups::Adjust { add: groups, .. } => {
                    groups.iter().any(is_own)
                }
                Groups::Keep => false,
            },
            Edit::Unmap { .. } => false,
        })
}

/// What comes of a request. Facts are gathered once; plans are made anew of whatever is read.
pub(super) struct Planning<'a> {
    asking: &'a Asking<'a>,
    allow: Allowed,
    access_entries: Option<Arc<AccessEntries>>,
    facts: Facts,
    /// The last plan, and of what it was made.
    made: Option<(Snapshot, Result<Plan, EditError>)>,
}

impl<'a> Planning<'a> {
    pub(super) fn new(
        asking: &'a Asking<'a>,
        allow: Allowed,
        access_entries: Option<Arc<AccessEntries>>,
    ) -> Self {
        Self {
            asking,
            allow,
            access_entries,
            facts: Facts::default(),
            made: None,
        }
    }

    /// The first plan. What guards find that they have to know is asked now.
    pub(super) fn begin(
        &mut self,
        gathered: &Gathered,
        world: &World,
        out: &mut Out,
    ) -> Result<Option<&Plan>, Failure> {
        self.facts = gathered.facts.clone();
        // One answer may make another question matter.
        for _ in 0..QUESTIONS {
            let open = self.on(&gathered.snapshot)?.map(|plan| plan.open.clone());
            let Some(open) = open.filter(|open| !open.is_empty()) else {
                break;
            };
            world.learn(&open, &mut self.facts, out)?;
            self.made = None;
        }
        self.on(&gathered.snapshot)
    }

    /// What is to be written; a failure without words where the plan says why nothing is.
    pub(super) fn change(&mut self, snapshot: &Snapshot) -> Result<Option<Change>, Failure> {
        match self.on(snapshot)? {
            Some(plan) if plan.refusals.is_empty() => {
                Ok(plan.is_change().then(|| plan.change.clone()))
            }
            // The failure itself is made where lines of the file are known.
            _ => Err(Failure::new(Kind::Refused, "refused")),
        }
    }

    /// Under which ARN whoever writes has signed in, where that is known.
    pub(super) fn caller(&self) -> Option<&str> {
        match &self.facts.caller {
            Known::Is(caller) => caller.arn.as_deref(),
            Known::NotAsked | Known::Unknown { .. } => None,
        }
    }

    /// The last plan.
    pub(super) fn into_made(self) -> Option<Result<Plan, EditError>> {
        let account = self.facts.account;
        let made = self.made.map(|(_, made)| made)?;
        Some(made.map(|plan| plan.settled(account)))
    }

    /// The plan on this; `None` where the edits can't be made.
    fn on(&mut self, snapshot: &Snapshot) -> Result<Option<&Plan>, Failure> {
        let is_made = self.made.as_ref().is_some_and(|(of, _)| of == snapshot);
        if !is_made {
            let request = Request {
                access_entries: self.access_entries.clone(),
                allow: self.allow.clone(),
                facts: self.facts.clone(),
                ..(self.asking)(snapshot)?
            };
            let made = match &self.made {
                Some((_, Ok(plan))) => plan.again(snapshot, &request),
                _ => Plan::new(snapshot, &request),
            };
            self.made = Some((snapshot.clone(), made));
        }
        let made = self.made.as_ref();
        Ok(made.and_then(|(_, made)| made.as_ref().ok()))
    }
}
