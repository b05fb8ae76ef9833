//! Builds plans from what is stored, and looks up the facts that their guards need.

use std::sync::Arc;

use super::RequestBuilder;
use crate::backend::Backend;
use crate::terminal::{Failure, Kind, Out};
use awsauth_core::access_entries::EntryChange;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::aws_auth_snapshot::{Change, Snapshot};
use awsauth_core::document::edit::{Edit, EditError, Groups};
use awsauth_core::plan::{Allowed, Facts, Known, Plan, Request, Stages};

/// How often the guards of a plan may request more facts. One fact can raise another question: whether the caller may
/// write, who is bound to `cluster-admin`, which principals access entries make administrators, and which of these IAM has.
pub(super) const ROUNDS_OF_QUESTIONS: usize = 4;

/// Whether to read the bindings to `cluster-admin` from the start: if the edits add groups of the user's own, or are not known yet.
/// Removals need them only if the last administrator is removed. The guard then requests them.
pub(crate) fn wants_admins(edits: &[Edit]) -> bool {
    let is_own = |group: &String| !group.starts_with("system:");
    edits.is_empty()
        || edits.iter().any(|edit| match edit {
            Edit::Map { groups, .. } => match groups {
                Groups::Set(groups) | Groups::Adjust { add: groups, .. } => {
                    groups.iter().any(is_own)
                }
                Groups::Keep => false,
            },
            Edit::RenameGroup { to, .. } => is_own(to),
            Edit::Unmap { .. } => false,
        })
}

/// Builds plans from a request. Collects the facts once, and builds a new plan whenever the stored state has changed.
pub(crate) struct PlanBuilder<'a> {
    request: &'a RequestBuilder<'a>,
    allow: Allowed,
    access_entries: Option<Arc<AccessEntries>>,
    entry_changes: Vec<EntryChange>,
    facts: Facts,
    /// The order of the changes, once it is decided.
    stages: Option<Stages>,
    /// The last plan, and the stored state that it was made from.
    last: Option<(Snapshot, Result<Plan, EditError>)>,
}

impl<'a> PlanBuilder<'a> {
    pub(crate) fn new(
        request: &'a RequestBuilder<'a>,
        allow: Allowed,
        access_entries: Option<Arc<AccessEntries>>,
        entry_changes: Vec<EntryChange>,
    ) -> Self {
        Self {
            request,
            allow,
            access_entries,
            entry_changes,
            facts: Facts::default(),
            stages: None,
            last: None,
        }
    }

    /// Builds the first plan, and looks up the facts that its guards request. Returns `None` if the edits are
    /// impossible; [`into_plan`](Self::into_plan) has the reason.
    pub(crate) fn begin(
        &mut self,
        snapshot: &Snapshot,
        facts: &Facts,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Option<&Plan>, Failure> {
        self.facts = facts.clone();
        self.plan(snapshot)?;
        self.answer_questions(backend, out)?;
        self.plan(snapshot)
    }

    /// Looks up the facts that the guards of the last plan request, and makes the plan again. Returns whether they requested any.
    pub(super) fn answer_questions(
        &mut self,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<bool, Failure> {
        for round in 0..ROUNDS_OF_QUESTIONS {
            let (snapshot, questions) = match &self.last {
                Some((snapshot, Ok(plan))) if !plan.open_questions.is_empty() => {
                    (snapshot.clone(), plan.open_questions.clone())
                }
                _ => return Ok(round > 0),
            };
            let described = backend.answer_questions(&questions, &mut self.facts, out)?;
            self.access_entries = described.or_else(|| self.access_entries.take());
            self.make(&snapshot)?;
        }
        Ok(true)
    }

    /// Returns the change to write; `None` if nothing changes.
    ///
    /// # Errors
    /// If the edits are impossible or refused. [`into_plan`](Self::into_plan) then has the reasons, and this failure is
    /// not shown. Also if a guard requests a fact, as it may after a conflict:
    /// [`answer_questions`](Self::answer_questions) looks it up.
    pub(crate) fn change(&mut self, snapshot: &Snapshot) -> Result<Option<Change>, Failure> {
        match self.plan(snapshot)? {
            Some(plan) if plan.is_allowed() => {
                Ok(plan.changes_aws_auth().then(|| plan.change.clone()))
            }
            // The messages need the line numbers of the file that was read, which only the caller knows.
            _ => Err(Failure::new(Kind::Refused, "refused")),
        }
    }

    /// Returns the ARN that the caller signed in with, if known.
    pub(crate) fn caller(&self) -> Option<&str> {
        match &self.facts.caller {
            Known::Is(caller) => caller.arn.as_deref(),
            Known::NotRequested | Known::Unknown { .. } => None,
        }
    }

    /// Returns the order of the changes of the last plan, if it is allowed, and keeps it for later plans.
    pub(super) fn fix_stages(&mut self) -> Stages {
        let plan = self.last_plan().filter(|plan| plan.is_allowed());
        self.stages = plan.map(|plan| plan.stages.clone());
        self.stages.clone().unwrap_or_default()
    }

    /// Returns the guards that the user overrides.
    pub(super) fn allow(&self) -> &Allowed {
        &self.allow
    }

    /// Returns the facts collected so far.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns the last plan, if the edits are possible.
    pub(super) fn last_plan(&self) -> Option<&Plan> {
        self.last.as_ref()?.1.as_ref().ok()
    }

    /// Returns the last plan, if any.
    pub(crate) fn into_plan(self) -> Option<Result<Plan, EditError>> {
        let account = self.facts.account;
        let plan = self.last.map(|(_, plan)| plan)?;
        Some(plan.map(|plan| plan.with_located_findings(account)))
    }

    /// Returns the plan for this snapshot; `None` if the edits are impossible.
    fn plan(&mut self, snapshot: &Snapshot) -> Result<Option<&Plan>, Failure> {
        let is_made = self.last.as_ref().is_some_and(|(of, _)| of == snapshot);
        if !is_made {
            self.make(snapshot)?;
        }
        let last = self.last.as_ref();
        Ok(last.and_then(|(_, plan)| plan.as_ref().ok()))
    }

    fn make(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        let request = Request {
            access_entries: self.access_entries.clone(),
            entry_changes: self.entry_changes.clone(),
            allow: self.allow.clone(),
            facts: self.facts.clone(),
            stages: self.stages.clone(),
            ..(self.request)(snapshot)?
        };
        let plan = match &self.last {
            Some((_, Ok(previous))) => previous.replan(snapshot, &request),
            _ => Plan::new(snapshot, &request),
        };
        self.last = Some((snapshot.clone(), plan));
        Ok(())
    }
}
