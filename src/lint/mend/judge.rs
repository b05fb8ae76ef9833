//! Whether fixes did what they were meant to do, and nothing else.

use std::collections::HashMap;

use super::State;
use crate::document::SectionName;
use crate::lint::Finding;

/// How often each rule finds something at each place.
type Counts = HashMap<(&'static str, Option<SectionName>), usize>;

/// Whether `after` is `before` with what the batch found mended: it is found no more, nothing is found that was not found before,
/// and every entry that the batch does not name says what it said. Of a section that could not be read at all, everything
/// that it says is new.
pub(super) fn is_sound(before: &State, after: &State, batch: &[&Finding]) -> bool {
    let sections = SectionName::ALL.into_iter();
    let revealed: Vec<SectionName> = sections
        .filter(|name| before.document.section(*name).is_unreadable())
        .filter(|name| !after.document.section(*name).is_unreadable())
        .collect();
    vanished(before, after, batch, &revealed) && the_rest_is_same(before, after, batch, &revealed)
}

/// Whether the batch's findings are gone, and none came.
fn vanished(before: &State, after: &State, batch: &[&Finding], revealed: &[SectionName]) -> bool {
    let mut had = counts(before.report.findings.iter());
    let has = counts(after.report.findings.iter());
    for (at, fixed) in counts(batch.iter().copied()) {
        if let Some(had) = had.get_mut(&at) {
            *had -= fixed.min(*had);
        }
    }
    has.iter().all(|(at, has)| {
        let is_revealed = at.1.is_some_and(|section| revealed.contains(&section));
        let is_mended = batch.iter().any(|finding| finding.rule.id == at.0);
        // What could not be read was mended, or still can't be.
        (is_revealed && !is_mended) || *has <= had.get(at).copied().unwrap_or_default()
    })
}

fn counts<'a>(findings: impl Iterator<Item = &'a Finding>) -> Counts {
    let mut counts = Counts::new();
    for finding in findings {
        let section = finding.site.text().map(|text| text.section);
        *counts.entry((finding.rule.id, section)).or_default() += 1;
    }
    counts
}

/// Whether all entries but those of the batch say what they said.
fn the_rest_is_same(
    before: &State,
    after: &State,
    batch: &[&Finding],
    revealed: &[SectionName],
) -> bool {
    SectionName::ALL
        .into_iter()
        .filter(|name| !revealed.contains(name))
        .all(|name| {
            let (old, new) = (before.document.section(name), after.document.section(name));
            let is_here =
                |finding: &&&Finding| finding.site.text().is_some_and(|text| text.section == name);
            let here = batch.iter().filter(is_here);
            let is_of_entries = here.clone().all(|finding| finding.entry.is_some());
            let mut touched: Vec<usize> = here.filter_map(|finding| finding.entry).collect();
            touched.sort_unstable();
            let (old, new) = (old.entries(), new.entries());
            // A fix of the section itself may find entries that were lost, behind those that were not.
            (old.len() == new.len() || (!is_of_entries && old.len() < new.len()))
                && old.iter().zip(new).enumerate().all(|(index, (old, new))| {
                    touched.binary_search(&index).is_ok() || old.status == new.status
                })
        })
}
