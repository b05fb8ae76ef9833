//! What a run would do: before + edits → text, access, refusals. Pure; no write exists without one.

mod facts;
mod findings;
mod guard;
mod notice;
mod request;
mod unified;
mod way_back;

pub use facts::{Admins, Caller, Facts, Known, Open};
pub use guard::{Guard, Refusal, has_admin, nobody_reads};
pub use notice::Notice;
pub use request::{Allowed, Ownership, Request};
pub use unified::unified;
pub use way_back::{Overtaken, WayBack};

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::sync::Arc;

use crate::document::edit::{Edit, EditError, Outcome, apply};
use crate::document::{Document, Section, SectionName};
use crate::effect::{AccessChange, AccessEntries, access_diff};
use crate::history::Contents;
use crate::lint::Finding;
use crate::owners::{Owners, conflicts, prune};
use crate::snapshot::{Change, Snapshot};

/// The `data` of a ConfigMap.
type Texts = BTreeMap<String, Arc<str>>;

/// What would come of a [`Request`].
#[derive(Clone, Debug)]
pub struct Plan {
    /// The texts as they were read, and as they would be: documents of large maps take many times their room.
    before: Texts,
    after: Texts,
    binary_before: Texts,
    owners_before: Option<String>,
    access_entries: Option<Arc<AccessEntries>>,
    /// Whether aws-auth is what lets in whoever carries it out, as it was when they were asked who they are; `None` where that is not known.
    is_by_aws_auth: Option<bool>,
    /// What stands there for those whom the edits are about, before and after.
    touched: [Vec<String>; 2],
    /// Whether the places of the findings are those of this plan.
    is_settled: bool,
    /// Whether it is no edits, but what all of aws-auth is to be.
    pub is_whole: bool,
    /// What each of the request's edits comes to, in order; then what was pruned.
    pub outcomes: Vec<(Edit, Outcome)>,
    /// How many of the outcomes are the request's own edits.
    pub asked: usize,
    /// What a write has to change.
    pub change: Change,
    /// What the rules find then that they do not find now.
    pub findings: Vec<Finding>,
    /// Why it must not be written. Empty: it may.
    pub refusals: Vec<Refusal>,
    /// What should be known besides.
    pub notices: Vec<Notice>,
    /// What guards would have to know to say more.
    pub open: Vec<Open>,
    /// Whether it changes what whoever carries it out becomes.
    pub touches_caller: bool,
    /// Whether it takes away the last administrator who is known, and that is allowed.
    pub leaves_no_admin: bool,
}

impl Plan {
    /// Works out what the request comes to.
    ///
    /// # Errors
    /// When the edits cannot be made; nothing is to be written then.
    pub fn new(snapshot: &Snapshot, request: &Request) -> Result<Self, EditError> {
        Self::make(snapshot, request, None)
    }

    /// Works out the same request on what somebody else has written meanwhile. What the rules find is taken over from this plan where
    /// the edits come to the same: it is about the entries that they write. [`settled`](Self::settled) says where that is now.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn again(&self, snapshot: &Snapshot, request: &Request) -> Result<Self, EditError> {
        Self::make(snapshot, request, Some(self))
    }

    fn make(
        snapshot: &Snapshot,
        request: &Request,
        known: Option<&Self>,
    ) -> Result<Self, EditError> {
        if let Some(kept) = &request.kept {
            return Ok(Self::back_to(kept, snapshot, request, known));
        }
        let before = Document::read(&snapshot.data);
        let owners = Owners::read(snapshot.owners_annotation.as_deref());
        let mut edits = request.edits.clone();
        let mut notices = Vec::new();
        if let Some(ownership) = &request.owner {
            if ownership.prune {
                edits.extend(pruned(&before, &owners, ownership, &mut notices));
            }
            if let Some(reason) = owners.unreadable() {
                notices.push(Notice::OwnersUnreadable {
                    reason: reason.to_owned(),
                });
            }
        }
        let edited = apply(&before, &edits)?;
        let outcomes: Vec<_> = edits.into_iter().zip(edited.outcomes).collect();
        if request.owner.is_none() {
            let touched = outcomes.iter().filter(|(_, outcome)| is_change(outcome));
            let principals: Vec<_> = touched.map(|(edit, _)| edit.principal()).collect();
            notices.extend(
                conflicts(&before, &owners, None, principals)
                    .into_iter()
                    .map(Notice::Owned),
            );
        }
        let after = edited.document;
        let change = Change {
            data: changed_texts(&snapshot.data, &after),
            owners_annotation: request.owner.as_ref().and_then(|ownership| {
                let next = owners
                    .after(&after, &ownership.owner, &ownership.wanted)
                    .to_annotation();
                (next != snapshot.owners_annotation).then_some(next)
            }),
            ..Change::default()
        };
        let mut texts = snapshot.data.clone();
        for (key, text) in &change.data {
            match text {
                Some(text) => texts.insert((*key).to_owned(), Arc::clone(text)),
                None => texts.remove(*key),
            };
        }
        let plan = Self {
            after: texts,
            asked: request.edits.len(),
            is_by_aws_auth: known.and_then(|known| known.is_by_aws_auth),
            touched: [&before, &after].map(|document| findings::touched(document, &outcomes)),
            outcomes,
            change,
            notices,
            ..Self::unchanged(snapshot, request)
        };
        let known = known.filter(|known| known.comes_to_the_same(&plan));
        Ok(plan.guarded(known, (&before, &after), request, &owners))
    }

    /// What it takes to make aws-auth what it was once.
    fn back_to(
        kept: &Contents,
        snapshot: &Snapshot,
        request: &Request,
        known: Option<&Self>,
    ) -> Self {
        let before = Document::read(&snapshot.data);
        let after = Document::read(&kept.data);
        let sections = SectionName::ALL.map(SectionName::key);
        let mut other_data = differences(&snapshot.data, &kept.data);
        other_data.retain(|key, _| !sections.contains(&key.as_str()));
        let owners = &kept.owners_annotation;
        let plan = Self {
            after: kept.data.clone(),
            is_whole: true,
            is_by_aws_auth: known.and_then(|known| known.is_by_aws_auth),
            change: Change {
                data: changed_texts(&snapshot.data, &after),
                owners_annotation: (*owners != snapshot.owners_annotation).then(|| owners.clone()),
                other_data,
                binary_data: differences(&snapshot.binary_data, &kept.binary_data),
            },
            ..Self::unchanged(snapshot, request)
        };
        plan.guarded(None, (&before, &after), request, &Owners::default())
    }

    /// The plan to leave everything as it is.
    fn unchanged(snapshot: &Snapshot, request: &Request) -> Self {
        Self {
            before: snapshot.data.clone(),
            after: Texts::new(),
            binary_before: snapshot.binary_data.clone(),
            owners_before: snapshot.owners_annotation.clone(),
            access_entries: request.access_entries.clone(),
            is_whole: false,
            asked: 0,
            outcomes: Vec::new(),
            change: Change::default(),
            findings: Vec::new(),
            is_settled: true,
            is_by_aws_auth: None,
            touched: Default::default(),
            refusals: Vec::new(),
            notices: Vec::new(),
            open: Vec::new(),
            touches_caller: false,
            leaves_no_admin: false,
        }
    }

    /// The same with what rules and guards say of it.
    fn guarded(
        self,
        known: Option<&Self>,
        (before, after): (&Document, &Document),
        request: &Request,
        owners: &Owners,
    ) -> Self {
        let account = request.facts.account.clone();
        let findings = match known {
            Some(known) => known.findings.clone(),
            None => self.brought_in(before, after, account),
        };
        let access = self.access_of(before, after);
        let documents = (before, after);
        let said = guard::judge(
            documents,
            request,
            &self.outcomes,
            &access,
            &findings,
            owners,
            self.is_by_aws_auth,
        );
        Self {
            findings,
            is_by_aws_auth: said.is_by_aws_auth,
            is_settled: known.is_none(),
            refusals: said.refusals,
            notices: self.notices.into_iter().chain(said.notices).collect(),
            open: said.open,
            touches_caller: said.touches_caller,
            leaves_no_admin: said.leaves_no_admin,
            ..self
        }
    }

    /// Whether the edits of another plan come to what these came to, on the same entries.
    fn comes_to_the_same(&self, other: &Self) -> bool {
        let kinds = |plan: &Self| -> Vec<_> {
            let outcomes = plan.outcomes.iter();
            outcomes.map(|(_, outcome)| discriminant(outcome)).collect()
        };
        !self.is_whole && kinds(self) == kinds(other) && self.touched == other.touched
    }

    fn brought_in(
        &self,
        before: &Document,
        after: &Document,
        account: Option<String>,
    ) -> Vec<Finding> {
        let touched: Vec<_> = self
            .outcomes
            .iter()
            .map(|(edit, _)| edit.principal())
            .collect();
        let touched = (!self.is_whole).then_some(touched.as_slice());
        findings::brought_in(
            (&self.before, before),
            (&self.after, after),
            account,
            touched,
        )
    }

    /// The same with the findings at their places.
    #[must_use]
    pub fn settled(self, account: Option<String>) -> Self {
        if self.is_settled || self.findings.is_empty() {
            return self;
        }
        let (before, after) = (Document::read(&self.before), self.after());
        let findings = self.brought_in(&before, &after, account);
        Self {
            findings,
            is_settled: true,
            ..self
        }
    }

    /// Whether carrying it out would change anything.
    pub fn is_change(&self) -> bool {
        !self.change.is_empty()
    }

    /// The document as it is, read anew.
    pub fn before(&self) -> Document {
        Document::read(&self.before)
    }

    /// The document as it would be, read anew.
    pub fn after(&self) -> Document {
        Document::read(&self.after)
    }

    /// How to undo it once it is carried out.
    pub fn way_back(&self) -> WayBack {
        WayBack::of(self)
    }

    /// Who gains, who loses, what changes. What aws-auth says of those for whom an access entry answers is nothing of this.
    pub fn access(&self) -> Vec<AccessChange> {
        self.access_of(&Document::read(&self.before), &self.after())
    }

    fn access_of(&self, before: &Document, after: &Document) -> Vec<AccessChange> {
        let mut access = access_diff(before, after);
        if let Some(entries) = &self.access_entries {
            access.retain(|change| entries.hide(&change.arn).is_none());
        }
        access
    }

    /// The access entries that it was made with.
    pub fn access_entries(&self) -> Option<&Arc<AccessEntries>> {
        self.access_entries.as_ref()
    }

    /// What changes in the sections' texts, as a unified diff; empty when nothing does.
    pub fn text(&self) -> String {
        let text = |texts: &Texts, key: &str| texts.get(key).cloned().unwrap_or_default();
        let sections = SectionName::ALL.map(SectionName::key).into_iter();
        let others = self.change.other_data.keys().map(String::as_str);
        sections
            .chain(others)
            .map(|key| unified(key, &text(&self.before, key), &text(&self.after, key)))
            .collect()
    }
}

/// Whether an edit came to a change.
pub fn is_change(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Unchanged | Outcome::Absent)
}

/// The edits that remove what the owner no longer wants.
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
    let pruned = prune(before, owners, &ownership.owner, &ownership.wanted);
    notices.extend(pruned.kept.into_iter().map(Notice::NotPruned));
    let removed = pruned.remove.into_iter();
    removed
        .map(|entry| Edit::Unmap {
            principal: entry.principal,
            only_line: Some(entry.line),
        })
        .collect()
}

/// The keys whose texts differ, each with the text after.
fn differences(before: &Texts, after: &Texts) -> BTreeMap<String, Option<Arc<str>>> {
    let keys = before.keys().chain(after.keys());
    let differ = keys.filter(|key| before.get(*key) != after.get(*key));
    differ
        .map(|key| (key.clone(), after.get(key).cloned()))
        .collect()
}

fn changed_texts(before: &Texts, after: &Document) -> BTreeMap<&'static str, Option<Arc<str>>> {
    let is_changed =
        |section: &&Section| before.get(section.name().key()).map(AsRef::as_ref) != section.text();
    let changed = after.sections().filter(is_changed);
    changed
        .map(|section| (section.name().key(), section.shared_text()))
        .collect()
}
