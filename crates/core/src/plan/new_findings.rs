//! The lint findings that a change introduces.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Texts;
use crate::arn::fold;
use crate::deadline::Deadline;
use crate::document::edit::{Edit, Outcome};
use crate::document::{Document, Principal, SectionName, Status};
use crate::lint::{Facts, Finding, Selection, Site, lint_until, shortened_principal};

/// Identifies a finding before and after an edit. Line numbers are not part of it, because an edit moves lines.
type Key = (&'static str, Option<SectionName>, String);

/// Returns the findings in the document after the change that the document before does not have. With `edited`, only findings about
/// these principals and about the document as a whole are new: the other entries are the same.
///
/// The document before is linted only if a finding may have existed there.
pub(super) fn new_findings(
    (texts_before, before): (&Texts, &Document),
    (texts_after, after): (&Texts, &Document),
    account: Option<String>,
    edited: Option<&[&Principal]>,
    deadline: &Deadline,
) -> Vec<Finding> {
    if texts_before == texts_after {
        return Vec::new();
    }
    let facts = Facts {
        account,
        ..Facts::default()
    };
    let all = Selection::default();
    let mut found = lint_until(texts_after, after, &facts, &all, deadline).findings;
    if let Some(edited) = edited {
        let edited = edited.iter();
        let edited: HashSet<_> = edited
            .map(|of| fold(shortened_principal(of.text())))
            .collect();
        let is_edited = |of: &Arc<str>| edited.contains(&fold(of));
        found.retain(|finding| finding.principal.as_ref().is_none_or(is_edited));
    }
    if !may_exist_in(before, &found) {
        return found;
    }
    let mut known: HashMap<Key, usize> = HashMap::new();
    for finding in lint_until(texts_before, before, &facts, &all, deadline).findings {
        *known.entry(key(&finding)).or_default() += 1;
    }
    found.retain(|finding| match known.get_mut(&key(finding)) {
        Some(left @ 1..) => {
            *left -= 1;
            false
        }
        _ => true,
    });
    found
}

/// Returns the source text of every entry of the edited principals.
pub(super) fn edited_entries(document: &Document, outcomes: &[(Edit, Outcome)]) -> Vec<String> {
    let principals = outcomes.iter().map(|(edit, _)| edit.principal());
    let edited: HashSet<_> = principals.map(|of| fold(of.text())).collect();
    let entries = document.sections().flat_map(|section| {
        let text = section.text().unwrap_or_default();
        let entries = section.entries().iter();
        entries.map(move |entry| (text, entry))
    });
    let entries = entries.filter(|(_, entry)| match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => {
            edited.contains(&fold(mapping.principal.text()))
        }
    });
    entries
        .filter_map(|(text, entry)| text.get(entry.span.start()..entry.span.end()))
        .map(str::to_owned)
        .collect()
}

/// Returns whether the document before the change may have had one of the findings.
fn may_exist_in(before: &Document, findings: &[Finding]) -> bool {
    let mut principals = HashSet::new();
    for finding in findings {
        match &finding.principal {
            None => return true,
            Some(principal) => principals.insert(fold(principal)),
        };
    }
    let mut entries = before.sections().flat_map(|section| section.entries());
    entries.any(|entry| match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => {
            principals.contains(&fold(shortened_principal(mapping.principal.text())))
        }
    })
}

fn key(finding: &Finding) -> Key {
    let id = finding.rule.id;
    match (&finding.principal, &finding.site) {
        (Some(principal), _) => (id, None, fold(principal).into_owned()),
        (None, Site::Text(text)) => (id, Some(text.section), String::new()),
        (None, Site::Key(key)) => (id, None, key.clone()),
        (None, Site::File(_) | Site::ConfigMap) => (id, None, String::new()),
    }
}
