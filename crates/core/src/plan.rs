//! Plans: stored state + request → new aws-auth, access diff, refusals. Planning has no I/O: the result depends only on the
//! input, unless the deadline stops it. Every write carries out a plan.

mod guard;
mod guard_facts;
mod new_findings;
mod notice;
mod request;
mod rollback;
mod stages;

pub use guard::{Guard, Refusal, admin_reason, aws_auth_is_ignored, has_admin};
pub use guard_facts::{Admins, Caller, Facts, Known, OpenQuestion};
pub use notice::Notice;
pub use request::{Allowed, ExpectedUser, Ownership, Request};
pub use rollback::{Overwritten, Rollback};
pub use stages::Stages;

use std::collections::{BTreeMap, HashSet};
use std::mem::discriminant;
use std::sync::Arc;

use similar::TextDiff;

use crate::access_entries::{EntryChange, Operation, changed};
use crate::authenticator::{AccessChange, AccessEntries, access_changes, entry_access_changes};
use crate::aws_auth_snapshot::{Change, Snapshot};
use crate::deadline::Deadline;
use crate::document::edit::{Edit, EditError, Outcome, apply};
use crate::document::{Document, Principal, Section, SectionName};
use crate::history::Contents;
use crate::lint::Finding;
use crate::owners_annotation::{Owners, conflicts, prunable_entries};
use guard::{Case, State, Verdict};

/// The `data` of a ConfigMap.
type Texts = BTreeMap<String, Arc<str>>;

/// The result of applying a [`Request`] to the stored state: the new aws-auth, the access that changes, and the refusals.
///
/// The documents before and after, the access diff and the findings are computed once, when the plan is made. Only the
/// positions of the findings may be updated later.
#[derive(Clone, Debug)]
pub struct Plan {
    texts_before: Texts,
    texts_after: Texts,
    binary_before: Texts,
    owners_before: Option<String>,
    before: Document,
    after: Document,
    access: Vec<AccessChange>,
    /// The access entries before the plan.
    entries_before: Option<Arc<AccessEntries>>,
    /// The access entries after the plan.
    access_entries: Option<Arc<AccessEntries>>,
    /// The changes to access entries, including those that need no call.
    pub entry_changes: Vec<EntryChange>,
    /// The order of these changes and of the write to aws-auth.
    pub stages: Stages,
    /// Whether the caller's access comes from aws-auth, as it was stored when the API server identified the caller;
    /// `None` if unknown.
    caller_is_by_aws_auth: Option<bool>,
    /// The source text of the edited entries, before and after.
    edited_entries: [Vec<String>; 2],
    /// Whether the positions of the findings are those of this plan.
    findings_are_located: bool,
    /// Whether a limit of the request was reached. The plan must be discarded.
    pub(crate) is_incomplete: bool,
    /// Whether the request replaces all of aws-auth instead of making edits.
    pub replaces_all: bool,
    /// The outcome of each of the request's edits, in order, followed by those of the pruned entries.
    pub outcomes: Vec<(Edit, Outcome)>,
    /// How many of the outcomes belong to the request's own edits.
    pub requested_edits: usize,
    /// The change to write.
    pub change: Change,
    /// The findings of lint rules that the change introduces.
    pub findings: Vec<Finding>,
    /// Why the plan must not be carried out. If empty, it may be.
    pub refusals: Vec<Refusal>,
    /// Remarks for the user that do not stop the write.
    pub notices: Vec<Notice>,
    /// Facts that the guards need and that are not known yet.
    pub open_questions: Vec<OpenQuestion>,
    /// Whether the plan changes which Kubernetes user or groups the caller gets.
    pub changes_caller: bool,
    /// Whether the plan removes the last known administrator, and an override allows that.
    pub leaves_no_admin: bool,
    /// Whether the plan takes the permissions of an administrator away from a principal.
    pub takes_admin: bool,
}

/// aws-auth before and after the edits, and the outcomes of the edits.
struct Draft {
    texts_after: Texts,
    before: Document,
    after: Document,
    replaces_all: bool,
    outcomes: Vec<(Edit, Outcome)>,
    change: Change,
    notices: Vec<Notice>,
}

impl Plan {
    /// Plans a request.
    ///
    /// # Errors
    /// If the edits cannot be made. The caller must then write nothing.
    pub fn new(snapshot: &Snapshot, request: &Request) -> Result<Self, EditError> {
        Self::make(snapshot, request, None)
    }

    /// Plans the same request again, with more facts, or on the state that another client has written since.
    ///
    /// If the edits have the same outcomes on the same entries, the findings of this plan are reused, because they depend on these
    /// entries only. If aws-auth differs, [`with_located_findings`](Self::with_located_findings) then updates their positions.
    ///
    /// # Errors
    /// If the edits cannot be made. The caller must then write nothing.
    pub fn replan(&self, snapshot: &Snapshot, request: &Request) -> Result<Self, EditError> {
        Self::make(snapshot, request, Some(self))
    }

    fn make(
        snapshot: &Snapshot,
        request: &Request,
        previous: Option<&Self>,
    ) -> Result<Self, EditError> {
        Ok(match &request.contents {
            Some(contents) => Self::checked(
                Draft::replacing(contents, snapshot, &request.deadline),
                snapshot,
                request,
                &Owners::default(),
                previous,
            ),
            None => {
                let owners = Owners::read(snapshot.owners_annotation.as_deref());
                let draft = Draft::editing(snapshot, request, &owners)?;
                Self::checked(draft, snapshot, request, &owners, previous)
            }
        })
    }

    /// Runs the lint rules and the guards on a draft.
    fn checked(
        draft: Draft,
        snapshot: &Snapshot,
        request: &Request,
        owners: &Owners,
        previous: Option<&Self>,
    ) -> Self {
        let Draft {
            texts_after,
            before,
            after,
            replaces_all,
            outcomes,
            change,
            notices,
        } = draft;
        let edited_entries = match replaces_all {
            true => Default::default(),
            false => {
                [&before, &after].map(|document| new_findings::edited_entries(document, &outcomes))
            }
        };
        let mut plan = Self {
            texts_before: snapshot.data.clone(),
            texts_after,
            binary_before: snapshot.binary_data.clone(),
            owners_before: snapshot.owners_annotation.clone(),
            before,
            after,
            access: Vec::new(),
            entries_before: request.access_entries.clone(),
            access_entries: match request.entry_changes.as_slice() {
                [] => request.access_entries.clone(),
                changes => {
                    let before = request.access_entries.as_deref();
                    before.map(|before| Arc::new(changed(before, changes)))
                }
            },
            entry_changes: request.entry_changes.clone(),
            stages: Stages::default(),
            caller_is_by_aws_auth: previous.and_then(|previous| previous.caller_is_by_aws_auth),
            edited_entries,
            findings_are_located: true,
            is_incomplete: false,
            replaces_all,
            requested_edits: match replaces_all {
                true => 0,
                false => request.edits.len(),
            },
            outcomes,
            change,
            findings: Vec::new(),
            refusals: Vec::new(),
            notices,
            open_questions: Vec::new(),
            changes_caller: false,
            leaves_no_admin: false,
            takes_admin: false,
        };
        let has_too_many = |document: &Document| {
            let entries = document.sections().map(|section| section.entries().len());
            let count: usize = entries.sum();
            request.max_entries.is_some_and(|max| count > max)
        };
        if has_too_many(&plan.before) || has_too_many(&plan.after) {
            plan.is_incomplete = true;
            return plan;
        }
        match previous {
            Some(previous) if previous.has_same_texts(&plan) => {
                plan.findings.clone_from(&previous.findings);
                plan.findings_are_located = previous.findings_are_located;
            }
            Some(previous) if previous.has_same_outcomes(&plan) => {
                plan.findings.clone_from(&previous.findings);
                plan.findings_are_located = false;
            }
            _ => {
                plan.findings = plan.new_findings(request.facts.account.clone(), &request.deadline);
            }
        }
        if request.deadline.is_over() {
            plan.is_incomplete = true;
            return plan;
        }
        plan.notices.extend(type_changes(&plan.entry_changes));
        let before = State::new(&plan.before, plan.entries_before.as_deref());
        let after = State::new(&plan.after, plan.access_entries.as_deref());
        let mut access = access_changes(&before.store, &after.store);
        for entries in [before.entries, after.entries].into_iter().flatten() {
            access.retain(|change| entries.override_for(&change.arn).is_none());
        }
        if let (Some(before), Some(after)) = (before.stores(), after.stores()) {
            let changed = plan.entry_changes.iter();
            let principals = changed.map(|change| change.principal_arn.as_str());
            access.extend(entry_access_changes(before, after, principals));
        }
        if request.is_only_shown {
            plan.stages = Stages::of(&plan.entry_changes, false);
            plan.access = access;
            return plan;
        }
        let case = Case {
            before,
            after,
            request,
            outcomes: &plan.outcomes,
            access: &access,
            findings: &plan.findings,
            owners,
        };
        let mut verdict = guard::check(&case, plan.caller_is_by_aws_auth);
        let fixed = request.stages.clone();
        plan.stages = fixed.unwrap_or_else(|| Stages::of(&plan.entry_changes, false));
        let mut between = plan.check_between(&case);
        if request.stages.is_none() && !between.refusals.is_empty() {
            plan.stages = Stages::of(&plan.entry_changes, true);
            between = plan.check_between(&case);
        }
        verdict.add_between(between);
        verdict.add_recreation(plan.check_recreation(&case));
        plan.caller_is_by_aws_auth = verdict.caller_is_by_aws_auth;
        plan.refusals = verdict.refusals;
        plan.notices.extend(verdict.notices);
        plan.open_questions = verdict.open_questions;
        plan.changes_caller = verdict.changes_caller;
        plan.leaves_no_admin = verdict.leaves_no_admin;
        plan.takes_admin = verdict.takes_admin;
        plan.access = access;
        plan
    }

    /// Returns whether another plan has the same aws-auth before and after, and therefore the same findings.
    fn has_same_texts(&self, other: &Self) -> bool {
        self.replaces_all == other.replaces_all
            && self.edited_entries == other.edited_entries
            && self.texts_before == other.texts_before
            && self.texts_after == other.texts_after
    }

    /// Returns whether the edits of another plan have the same outcomes on the same entries.
    fn has_same_outcomes(&self, other: &Self) -> bool {
        let kinds = |plan: &Self| -> Vec<_> {
            let outcomes = plan.outcomes.iter();
            outcomes.map(|(_, outcome)| discriminant(outcome)).collect()
        };
        !self.replaces_all
            && kinds(self) == kinds(other)
            && self.edited_entries == other.edited_entries
    }

    fn new_findings(&self, account: Option<String>, deadline: &Deadline) -> Vec<Finding> {
        let edited: Vec<_> = self
            .outcomes
            .iter()
            .map(|(edit, _)| edit.principal())
            .collect();
        let edited = (!self.replaces_all).then_some(edited.as_slice());
        new_findings::new_findings(
            (&self.texts_before, &self.before),
            (&self.texts_after, &self.after),
            account,
            edited,
            deadline,
        )
    }

    /// Returns the plan with its findings at their positions in this plan's aws-auth.
    #[must_use]
    pub fn with_located_findings(self, account: Option<String>) -> Self {
        if self.findings_are_located || self.findings.is_empty() {
            return self;
        }
        Self {
            findings: self.new_findings(account, &Deadline::default()),
            findings_are_located: true,
            ..self
        }
    }

    /// Returns whether every guard allows the plan, and none needs another fact.
    pub fn is_allowed(&self) -> bool {
        self.refusals.is_empty() && self.open_questions.is_empty()
    }

    /// Returns whether carrying out the plan would change anything.
    pub fn is_change(&self) -> bool {
        self.changes_aws_auth() || self.changes_entries()
    }

    /// Returns whether carrying out the plan would change aws-auth.
    pub fn changes_aws_auth(&self) -> bool {
        !self.change.is_empty()
    }

    /// Returns whether carrying out the plan would change access entries.
    pub fn changes_entries(&self) -> bool {
        let mut changes = self.entry_changes.iter();
        changes.any(|change| !change.operations().is_empty())
    }

    /// Returns the calls that change access entries, in order: those before the write to aws-auth, and those after it.
    pub fn operations(&self) -> [Vec<Operation>; 2] {
        let Stages { first, last } = &self.stages;
        [first, last].map(|changes| changes.iter().flat_map(EntryChange::operations).collect())
    }

    /// Returns the access entries after the changes that precede the write to aws-auth.
    fn entries_between(&self) -> Option<AccessEntries> {
        let before = self.entries_before.as_deref()?;
        Some(changed(before, &self.stages.first))
    }

    /// Returns aws-auth in each state between the first call and the last one. The access entries in these states are
    /// [`entries_between`](Self::entries_between).
    fn documents_between(&self) -> Vec<&Document> {
        let Stages { first, last } = &self.stages;
        let mut documents = Vec::new();
        if !first.is_empty() && (self.changes_aws_auth() || !last.is_empty()) {
            documents.push(&self.before);
        }
        if !last.is_empty() && self.changes_aws_auth() {
            documents.push(&self.after);
        }
        documents
    }

    /// Runs guards on each state between the first call and the last one.
    fn check_between(&self, case: &Case<'_>) -> Verdict {
        let entries = self.entries_between();
        let mut verdict = Verdict::default();
        for document in self.documents_between() {
            let after = State::new(document, entries.as_ref());
            verdict.add(guard::check_between(
                case,
                after,
                self.caller_is_by_aws_auth,
            ));
        }
        verdict
    }

    /// Runs guards on each state in which an access entry is deleted and not yet created again with another type. By
    /// then, aws-auth has been written.
    fn check_recreation(&self, case: &Case<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let Some(entries) = self.entries_between() else {
            return verdict;
        };
        for (at, change) in self.stages.last.iter().enumerate() {
            if change.type_change().is_some() {
                let mut changes = self.stages.last[..=at].to_vec();
                changes[at].after = None;
                let during = changed(&entries, &changes);
                let after = State::new(&self.after, Some(&during));
                verdict.add(guard::check_between(
                    case,
                    after,
                    self.caller_is_by_aws_auth,
                ));
            }
        }
        verdict
    }

    /// Checks both stores as they are now: returns the refusal of `last-admin` if no administrator is left, and the
    /// facts that it needs. Other clients may have removed the other administrators.
    pub fn check_stored(
        &self,
        document: &Document,
        entries: &AccessEntries,
        facts: &Facts,
        allow: &Allowed,
    ) -> (Option<Refusal>, Vec<OpenQuestion>) {
        let request = Request {
            entry_changes: self.entry_changes.clone(),
            facts: facts.clone(),
            allow: allow.clone(),
            ..Request::default()
        };
        let case = Case {
            before: State::new(&self.before, self.entries_before.as_deref()),
            after: State::new(document, Some(entries)),
            request: &request,
            outcomes: &self.outcomes,
            access: &self.access,
            findings: &self.findings,
            owners: &Owners::default(),
        };
        let verdict = guard::check_stored(&case, self.caller_is_by_aws_auth);
        (verdict.refusals.into_iter().next(), verdict.open_questions)
    }

    /// Returns the stored document.
    pub fn before(&self) -> &Document {
        &self.before
    }

    /// Returns the document after the plan.
    pub fn after(&self) -> &Document {
        &self.after
    }

    /// Returns the change that undoes the plan after it was carried out.
    pub fn rollback(&self) -> Rollback {
        Rollback::of(self)
    }

    /// Returns the identities whose access through either store is added, removed or changed. Changes to mappings that
    /// an access entry overrides are not listed.
    pub fn access(&self) -> &[AccessChange] {
        &self.access
    }

    /// Returns the access entries before the plan, if they are known.
    pub fn entries_before(&self) -> Option<&Arc<AccessEntries>> {
        self.entries_before.as_ref()
    }

    /// Returns the access entries after the plan, if they are known.
    pub fn access_entries(&self) -> Option<&Arc<AccessEntries>> {
        self.access_entries.as_ref()
    }

    /// Returns a unified diff of the sections and other keys that change; empty if none changes.
    pub fn text(&self) -> String {
        let text = |texts: &Texts, key: &str| texts.get(key).cloned().unwrap_or_default();
        let sections = SectionName::ALL.map(SectionName::key).into_iter();
        let others = self.change.other_data.keys().map(String::as_str);
        sections
            .chain(others)
            .map(|key| {
                unified_diff(
                    key,
                    &text(&self.texts_before, key),
                    &text(&self.texts_after, key),
                )
            })
            .collect()
    }
}

impl Draft {
    /// Applies the request's edits, and removes the entries that the request's owner no longer requests.
    fn editing(snapshot: &Snapshot, request: &Request, owners: &Owners) -> Result<Self, EditError> {
        let before = Document::read(&snapshot.data);
        let mut edits = request.edits.clone();
        let mut notices = Vec::new();
        if let Some(ownership) = &request.owner {
            if ownership.prune {
                edits.extend(pruned(&before, owners, ownership, &mut notices));
            }
            if let Some(reason) = owners.unreadable() {
                notices.push(Notice::OwnersUnreadable {
                    reason: reason.to_owned(),
                });
            }
        }
        let edited = apply(&before, &edits)?;
        let after = edited.document;
        let outcomes: Vec<_> = edits.into_iter().zip(edited.outcomes).collect();
        if request.owner.is_none() {
            let changed = outcomes.iter().filter(|(_, outcome)| is_change(outcome));
            let principals: Vec<_> = changed.map(|(edit, _)| edit.principal()).collect();
            notices.extend(
                conflicts(&before, owners, None, principals)
                    .into_iter()
                    .map(Notice::Owned),
            );
        }
        let kept = request.kept_entries.iter().cloned();
        notices.extend(kept.map(|principal_arn| Notice::EntryNotPruned { principal_arn }));
        let next_owners = match &request.owner {
            Some(ownership) => owners.after(&after, &ownership.owner, &ownership.requested),
            None => owners.clone(),
        };
        let next_owners = next_owners.with_expiries(&before, &after, &request.expiries);
        notices.extend(expiries(&after, &next_owners, &outcomes));
        let change = Change {
            data: changed_sections(&snapshot.data, &after),
            owners_annotation: (request.owner.is_some() || next_owners != *owners)
                .then(|| next_owners.to_annotation())
                .filter(|next| *next != snapshot.owners_annotation),
            ..Change::default()
        };
        let mut texts_after = snapshot.data.clone();
        for (key, text) in &change.data {
            match text {
                Some(text) => texts_after.insert((*key).to_owned(), Arc::clone(text)),
                None => texts_after.remove(*key),
            };
        }
        Ok(Self {
            texts_after,
            before,
            after,
            replaces_all: false,
            outcomes,
            change,
            notices,
        })
    }

    /// Replaces all of aws-auth.
    fn replacing(contents: &Contents, snapshot: &Snapshot, deadline: &Deadline) -> Self {
        let before = Document::read(&snapshot.data);
        let after = match deadline.is_over() {
            true => Document::read(&Texts::new()),
            false => Document::read(&contents.data),
        };
        let sections = SectionName::ALL.map(SectionName::key);
        let mut other_data = differences(&snapshot.data, &contents.data);
        other_data.retain(|key, _| !sections.contains(&key.as_str()));
        let owners = &contents.owners_annotation;
        Self {
            texts_after: contents.data.clone(),
            change: Change {
                data: changed_sections(&snapshot.data, &after),
                owners_annotation: (*owners != snapshot.owners_annotation).then(|| owners.clone()),
                other_data,
                binary_data: differences(&snapshot.binary_data, &contents.binary_data),
            },
            before,
            after,
            replaces_all: true,
            outcomes: Vec::new(),
            notices: Vec::new(),
        }
    }
}

/// Returns whether the outcome of an edit is a change.
pub fn is_change(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Unchanged | Outcome::Absent)
}

/// Returns the edits that remove the entries that the owner no longer requests.
fn pruned(
    before: &Document,
    owners: &Owners,
    ownership: &Ownership,
    notices: &mut Vec<Notice>,
) -> Vec<Edit> {
    if owners.unreadable().is_none() && !owners.knows(&ownership.owner) {
        notices.push(Notice::NothingToPrune {
            owner: ownership.owner.clone(),
        });
    }
    let pruned = prunable_entries(before, owners, &ownership.owner, &ownership.requested);
    notices.extend(pruned.kept.into_iter().map(Notice::NotPruned));
    let removed = pruned.remove.into_iter();
    removed
        .map(|entry| Edit::Unmap {
            principal: entry.principal,
            only_line: Some(entry.line),
        })
        .collect()
}

/// Returns a notice for each access entry that is deleted and created again.
fn type_changes(changes: &[EntryChange]) -> impl Iterator<Item = Notice> {
    changes.iter().filter_map(|change| {
        let (from, to) = change.type_change()?;
        Some(Notice::TypeChange {
            principal_arn: change.principal_arn.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
        })
    })
}

/// Returns a notice for each mapped principal whose access expires.
fn expiries(after: &Document, owners: &Owners, outcomes: &[(Edit, Outcome)]) -> Vec<Notice> {
    let recorded = owners.expiries(after);
    if recorded.is_empty() {
        return Vec::new();
    }
    let mapped: HashSet<&Principal> = outcomes.iter().map(|(edit, _)| edit.principal()).collect();
    let entries = after.sections().flat_map(|section| {
        let entries = section.entries().iter();
        entries.filter_map(|entry| Some((section.name(), entry.line, entry.mapping()?)))
    });
    let expiring = entries.filter_map(|(section, line, mapping)| {
        let expiry = recorded.get(&(section, line))?;
        let is_mapped = !expiry.is_changed && mapped.contains(&mapping.principal);
        is_mapped.then(|| Notice::Expires {
            principal: mapping.principal.clone(),
            at: expiry.at,
        })
    });
    expiring.collect()
}

/// Returns the keys whose values differ, each with its new value.
fn differences(before: &Texts, after: &Texts) -> BTreeMap<String, Option<Arc<str>>> {
    let keys = before.keys().chain(after.keys());
    let differ = keys.filter(|key| before.get(*key) != after.get(*key));
    differ
        .map(|key| (key.clone(), after.get(key).cloned()))
        .collect()
}

fn changed_sections(before: &Texts, after: &Document) -> BTreeMap<&'static str, Option<Arc<str>>> {
    let is_changed =
        |section: &&Section| before.get(section.name().key()).map(AsRef::as_ref) != section.text();
    let changed = after.sections().filter(is_changed);
    changed
        .map(|section| (section.name().key(), section.shared_text()))
        .collect()
}

/// Returns a unified diff of two strings with three lines of context; empty if they are equal.
fn unified_diff(name: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let diff = TextDiff::from_lines(before, after);
    diff.unified_diff()
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}
