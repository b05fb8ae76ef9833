use std::collections::{HashMap, HashSet};

use super::Texts;
use crate::arn::{equal_fold, fold};
use crate::document::edit::{Edit, Outcome};
use crate::document::{Document, Principal, SectionName, Status};
use crate::lint::{Facts, Finding, Selection, Site, lint};

/// What tells findings apart that are the same before and after an edit: lines move.
type Key = (&'static str, Option<SectionName>, String);

/// What the rules find in a document that they do not find in the one before. `touched` are those whom edits are about: nothing new can
/// be said of others.
pub(super) fn brought_in(
    (texts_before, before): (&Texts, &Document),
    (texts_after, after): (&Texts, &Document),
    account: Option<String>,
    touched: Option<&[&Principal]>,
) -> Vec<Finding> {
    if texts_before == texts_after {
        return Vec::new();
    }
    let facts = Facts {
        account,
        ..Facts::default()
    };
    let all = Selection::default();
    let mut found = lint(texts_after, after, &facts, &all).findings;
    if let Some(touched) = touched {
        let touched: HashSet<_> = touched.iter().map(|of| fold(of.text())).collect();
        let is_touched = |of: &String| touched.contains(&fold(of));
        found.retain(|finding| finding.principal.as_ref().is_none_or(is_touched));
    }
    if !found.iter().any(|finding| may_be_old(finding, before)) {
        return found;
    }
    let mut known: HashMap<Key, usize> = HashMap::new();
    for finding in lint(texts_before, before, &facts, &all).findings {
        *known.entry(key(&finding)).or_default() += 1;
    }
    let is_new = |finding: &Finding| match known.get_mut(&key(finding)) {
        Some(left @ 1..) => {
            *left -= 1;
            false
        }
        _ => true,
    };
    let mut is_new = is_new;
    found
        .into_iter()
        .filter(|finding| is_new(finding))
        .collect()
}

/// The entries of those whom edits are about, as they are written.
pub(super) fn touched(document: &Document, outcomes: &[(Edit, Outcome)]) -> Vec<String> {
    let principals = outcomes.iter().map(|(edit, _)| edit.principal());
    let about: HashSet<_> = principals.map(|of| fold(of.text())).collect();
    let entries = document.sections().flat_map(|section| {
        let text = section.text().unwrap_or_default();
        let entries = section.entries().iter();
        entries.map(move |entry| (text, entry))
    });
    let touched = entries.filter(|(_, entry)| match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => {
            about.contains(&fold(mapping.principal.text()))
        }
    });
    touched
        .filter_map(|(text, entry)| text.get(entry.span.start()..entry.span.end()))
        .map(str::to_owned)
        .collect()
}

/// Whether it is about something that was there.
fn may_be_old(finding: &Finding, before: &Document) -> bool {
    let Some(principal) = &finding.principal else {
        return true;
    };
    let mut entries = before.sections().flat_map(|section| section.entries());
    entries.any(|entry| match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => {
            equal_fold(mapping.principal.text(), principal)
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
