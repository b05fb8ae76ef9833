//! Writes that change all entries that match conditions, in both stores.

use std::cell::Cell;

use super::confirmation::confirm_removals;
use crate::backend::Backend;
use crate::terminal::{Failure, Kind, Out, Refusal};
use crate::write::{Options, Transaction, read_both};
use awsauth_core::access_entries::StoreChoice;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::Document;
use awsauth_core::document::edit::Edit;
use awsauth_core::entry_selection::Selection;
use awsauth_core::plan::{ExpectedUser, Plan, Request};

/// A change of the entries that match conditions.
pub(super) struct SelectedEdits<'a> {
    pub(super) selection: &'a Selection,
    pub(super) choice: StoreChoice,
    /// The user that every entry to remove must map to.
    pub(super) expected: Option<ExpectedUser>,
    /// Whether to succeed if no entry is selected.
    pub(super) ignores_missing: bool,
    /// Whether to ask before entries are removed.
    pub(super) asks: bool,
    /// Refuses the change, if an entry is selected.
    pub(super) check: &'a dyn Fn() -> Result<(), Failure>,
    pub(super) options: &'a Options,
}

impl SelectedEdits<'_> {
    /// Reads both stores, selects the entries, and changes them in one transaction.
    ///
    /// # Errors
    /// If no entry is selected, or the write fails.
    pub(super) fn run(self, backend: &mut Backend, out: &mut Out) -> Result<Plan, Failure> {
        let read = read_both(self.choice, backend, out)?;
        let known = read.as_ref().and_then(|read| read.entries().cloned());
        let entry_edits = known
            .as_ref()
            .map(|known| self.selection.entry_edits(known));
        let entry_edits = entry_edits.unwrap_or_default();
        let entries = read.map(|read| read.plan_existing(&entry_edits, self.choice, backend));
        let entries = entries.transpose()?;
        let edits_aws_auth = entries
            .as_ref()
            .is_none_or(|entries| entries.edits_aws_auth);
        let removed = entry_edits
            .iter()
            .filter(|edit| matches!(edit, Edit::Unmap { .. }));
        let pruned_entries: Vec<String> = removed
            .map(|edit| edit.principal().text().to_owned())
            .collect();
        let place = backend.to_string();
        let is_empty = Cell::new(false);
        let request = |snapshot: &Snapshot| {
            let document = Document::read(&snapshot.data);
            let edits = match edits_aws_auth {
                true => {
                    refuse_unreadable(&document)?;
                    self.selection.edits(&document)
                }
                false => Vec::new(),
            };
            is_empty.set(edits.is_empty() && entry_edits.is_empty());
            if is_empty.get() && !self.ignores_missing {
                return Err(self.nothing_selected(&document, known.as_ref(), &place));
            }
            if !is_empty.get() {
                (self.check)()?;
            }
            Ok(Request {
                edits,
                is_selection: true,
                pruned_entries: pruned_entries.clone(),
                expected: self.expected.clone(),
                ..Request::default()
            })
        };
        if self.asks && !backend.is_pipe() && out.can_ask() {
            let snapshot = backend.read(out)?.snapshot;
            confirm_removals(&request(&snapshot)?, backend, out)?;
        }
        let plan = Transaction {
            edits: &[],
            request: &request,
            create: false,
            entries,
            verify: None,
            options: self.options,
        }
        .run(backend, out)?;
        if is_empty.get() {
            out.note(&format!("No entry {}.", self.selection));
        }
        Ok(plan)
    }

    fn nothing_selected(
        &self,
        document: &Document,
        known: Option<&AccessEntries>,
        place: &str,
    ) -> Failure {
        let failure = Failure::new(Kind::No, format!("no entry of {place} {}", self.selection));
        let failure = match self.selection.nearest(document, known) {
            Some(near) => failure.hint(format!("did you mean {near}?")),
            None => failure.hint("see what is mapped: awsauth get"),
        };
        failure.hint("if it may be missing, add --ignore-missing")
    }
}

/// Refuses a document with a section that may have entries which cannot be selected.
fn refuse_unreadable(document: &Document) -> Result<(), Failure> {
    let mut sections = document.sections();
    let Some(section) = sections.find(|section| section.is_unreadable()) else {
        return Ok(());
    };
    let refusal = Refusal {
        guard: "WG04",
        reason: "lossy-edit",
    };
    let what = format!(
        "{} cannot be read, so its entries are unknown",
        section.name().key()
    );
    Err(Failure::refused(refusal, what).hint("see what is wrong: awsauth lint"))
}
