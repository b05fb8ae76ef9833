//! A plan that removes all entries of a section is rarely intended.

use crate::authenticator::{EntryState, Store};
use crate::document::{Document, SectionName};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::facts::ObjectChange;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "P03",
    name: "plan-empties-map",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(change) = &context.facts.change else {
        return;
    };
    if change.object == ObjectChange::Deleted {
        return;
    }
    for section in SectionName::ALL {
        let before = kept_entries(&change.before, section);
        let after = kept_entries(context.document, section);
        if before == 0 || after > 0 || change.unknown.contains(&section) {
            continue;
        }
        let entries = if before == 1 {
            "the only entry"
        } else {
            "all entries"
        };
        let message = format!("the plan removes {entries} of {}", section.key());
        findings.key(
            section.key(),
            message,
            "keep the entries that are still needed",
        );
    }
}

/// Returns how many entries of a section the authenticator keeps.
fn kept_entries(document: &Document, section: SectionName) -> usize {
    let store = Store::new(document);
    let is_kept = |state: EntryState<'_>| !matches!(state, EntryState::Ignored { .. });
    store
        .section(section)
        .filter(|slot| is_kept(slot.state))
        .count()
}
