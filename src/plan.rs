//! What a run would do: before + edits → text, access, refusals. Pure; no write exists without one.

mod guard;
mod ignored;
mod unified;
mod way_back;

use guard::NodeEntries;
pub use guard::{Guard, Refusal, has_node_entry};
pub use unified::unified;
pub use way_back::{Overtaken, WayBack};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::document::edit::{Edit, EditError, Outcome, apply};
use crate::document::{Document, Principal, Section, SectionName};
use crate::effect::{AccessChange, AccessEntries, access_diff};
use crate::owners::{Conflict, Kept, Owner, Owners, conflicts, prune};
use crate::snapshot::{Change, Snapshot};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The edits, in order.
    pub edits: Vec<Edit>,
    /// On whose behalf; without an owner nothing is claimed or pruned.
    pub owner: Option<Ownership>,
    /// Node entries, by ARN, that may be changed or removed.
    pub allow_node_entries: Vec<String>,
    /// Whether mappings may be written that count for nothing.
    pub allow_ignored: bool,
    /// The cluster's access entries, which are asked before aws-auth; `None` when nobody knows of any.
    pub access_entries: Option<Arc<AccessEntries>>,
}

/// The owner of a set of mappings, and what it may do.
#[derive(Clone, Debug)]
pub struct Ownership {
    /// Who.
    pub owner: Owner,
    /// Everything that it wants.
    pub wanted: Vec<Principal>,
    /// Remove what it applied before and no longer wants.
    pub prune: bool,
    /// Take entries that another owner claims.
    pub take_over: bool,
}

/// The `data` of a ConfigMap.
type Texts = BTreeMap<String, Arc<str>>;

/// What would come of a [`Request`].
#[derive(Clone, Debug)]
pub struct Plan {
    /// The texts as they were read, and as they would be: documents of large maps take many times their room.
    before: Texts,
    after: Texts,
    owners_before: Option<String>,
    access_entries: Option<Arc<AccessEntries>>,
    /// What each of the request's edits comes to, in order; then what was pruned.
    pub outcomes: Vec<(Edit, Outcome)>,
    /// How many of the outcomes are the request's own edits.
    pub asked: usize,
    /// What a write has to change.
    pub change: Change,
    /// Why it must not be written. Empty: it may.
    pub refusals: Vec<Refusal>,
    /// What should be known besides.
    pub notices: Vec<Notice>,
}

/// Something to tell, which stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The ownership annotation cannot be read, so nothing was claimed or pruned.
    OwnersUnreadable {
        /// Why not; a fragment.
        reason: String,
    },
    /// This owner has applied nothing yet, or its record is gone: nothing was pruned.
    NothingToPrune {
        /// The owner.
        owner: Owner,
    },
    /// An entry that its owner no longer wants stays all the same.
    NotPruned(Kept),
    /// The edit changes an entry that somebody has applied as theirs.
    Owned(Conflict),
    /// What the edit says of this principal counts for nothing.
    Hidden {
        /// Who.
        principal: Principal,
        /// Why not; a clause.
        why: String,
    },
}

impl Plan {
    /// Works out what the request comes to.
    ///
    /// # Errors
    /// When the edits cannot be made; nothing is to be written then.
    pub fn new(snapshot: &Snapshot, request: &Request) -> Result<Self, EditError> {
        let before = Document::read(&snapshot.data);
        let entries = request.access_entries.as_deref();
        let nodes = NodeEntries::of(&before, &request.allow_node_entries, entries);
        let owners = Owners::read(snapshot.owners_annotation.as_deref());
        let mut edits = request.edits.clone();
        let mut notices = Vec::new();
        let mut refusals = Vec::new();
        if let Some(ownership) = &request.owner {
            refusals.extend(claimed_by_others(&before, &owners, ownership));
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
        ignored::of(&outcomes, request, &mut refusals, &mut notices);
        // A large document takes room, and the guard needs more.
        drop(before);
        let after = edited.document;
        refusals.extend(nodes.lost_in(&after));
        let change = Change {
            data: changed_texts(&snapshot.data, &after),
            owners_annotation: request.owner.as_ref().and_then(|ownership| {
                let next = owners
                    .after(&after, &ownership.owner, &ownership.wanted)
                    .to_annotation();
                (next != snapshot.owners_annotation).then_some(next)
            }),
        };
        let before = snapshot.data.clone();
        let mut after = before.clone();
        for (key, text) in &change.data {
            match text {
                Some(text) => after.insert((*key).to_owned(), Arc::clone(text)),
                None => after.remove(*key),
            };
        }
        Ok(Self {
            before,
            after,
            owners_before: snapshot.owners_annotation.clone(),
            access_entries: request.access_entries.clone(),
            asked: request.edits.len(),
            outcomes,
            change,
            refusals,
            notices,
        })
    }

    /// Whether carrying it out would change anything.
    pub fn is_change(&self) -> bool {
        !self.change.is_empty()
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
        let mut access = access_diff(&Document::read(&self.before), &self.after());
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
        let text =
            |texts: &Texts, name: SectionName| texts.get(name.key()).cloned().unwrap_or_default();
        let sections = SectionName::ALL.into_iter();
        sections
            .map(|name| {
                unified(
                    name.key(),
                    &text(&self.before, name),
                    &text(&self.after, name),
                )
            })
            .collect()
    }
}

/// Whether an edit came to a change.
pub fn is_change(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Unchanged | Outcome::Absent)
}

fn claimed_by_others(before: &Document, owners: &Owners, ownership: &Ownership) -> Vec<Refusal> {
    if ownership.take_over {
        return Vec::new();
    }
    conflicts(before, owners, Some(&ownership.owner), &ownership.wanted)
        .iter()
        .map(Refusal::of_conflict)
        .collect()
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

fn changed_texts(before: &Texts, after: &Document) -> BTreeMap<&'static str, Option<Arc<str>>> {
    let is_changed =
        |section: &&Section| before.get(section.name().key()).map(AsRef::as_ref) != section.text();
    let changed = after.sections().filter(is_changed);
    changed
        .map(|section| (section.name().key(), section.shared_text()))
        .collect()
}
