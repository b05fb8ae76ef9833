//! The fixes of findings, applied: each makes its finding vanish, brings in none, and changes nothing else; or it is left to people.

mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Facts, Finding, Replacement, Report, Selection, lint};
use crate::document::{Document, SectionName};
use judge::is_sound;

/// How many bytes are checked in all: each time the text becomes sounder, or one fix is left out.
const WORK: usize = 256 << 20;

/// The `data` of a ConfigMap.
pub type Texts = BTreeMap<String, Arc<str>>;

/// Texts, and what was mended in them.
#[derive(Clone, Debug)]
pub struct Mended {
    /// The texts as they are now.
    pub data: Texts,
    /// What was found and is mended, with its place in the text before its fix, in the order of the fixes.
    pub fixed: Vec<Finding>,
}

/// A text, and what the rules say of it.
struct State {
    data: Texts,
    document: Document,
    report: Report,
}

/// Applies the fixes of what the selected rules find, until there is none left that may be.
pub fn mend(data: &Texts, facts: &Facts, selection: &Selection) -> Mended {
    let mut state = State::of(data.clone(), facts);
    let mut fixed = Vec::new();
    let mut left_out = BTreeSet::new();
    let mut most = usize::MAX;
    // How many were mended when those left out began to be.
    let mut begun_at = 0;
    let mut work = 0;
    while work < WORK {
        // Even an empty text takes some.
        work += 1 << 10;
        work += state.data.values().map(|text| text.len()).sum::<usize>();
        let all = state.fixable(selection, &left_out);
        let batch = &all[..all.len().min(most)];
        let Some(first) = batch.first() else {
            if fixed.len() == begun_at {
                break;
            }
            // What could not be mended then may be, now that others are.
            begun_at = fixed.len();
            left_out.clear();
            most = usize::MAX;
            continue;
        };
        let next = State::of(applied(&state.data, batch), facts);
        if is_sound(&state, &next, batch) {
            fixed.extend(batch.iter().map(|&finding| finding.clone()));
            state = next;
            most = most.saturating_mul(2);
        } else if let [_] = batch {
            left_out.insert(identity(first));
        } else {
            most = batch.len() / 2;
        }
    }
    Mended {
        data: state.data,
        fixed,
    }
}

impl State {
    fn of(data: Texts, facts: &Facts) -> Self {
        let document = Document::read(&data);
        // What no selected rule finds must not be brought in, either.
        let report = lint(&data, &document, facts, &Selection::default());
        Self {
            data,
            document,
            report,
        }
    }

    /// What has a fix, in the order of the text; of those whose fixes touch each other, the first.
    fn fixable(&self, selection: &Selection, left_out: &BTreeSet<Identity>) -> Vec<&Finding> {
        let mut ends = [0; 3];
        let mut fixable: Vec<&Finding> = self
            .report
            .findings
            .iter()
            .filter(|finding| finding.fix.is_some() && selection.admits(finding.rule))
            .filter(|finding| !left_out.contains(&identity(finding)))
            .collect();
        fixable.sort_by_key(|finding| place(finding).map(|(section, start, _)| (section, start)));
        fixable.retain(|finding| {
            let Some((section, start, end)) = place(finding) else {
                return false;
            };
            let before = &mut ends[section as usize];
            let is_free = start >= *before;
            if is_free {
                *before = end.max(start + 1);
            }
            is_free
        });
        fixable
    }
}

/// The section that a finding's fix changes, and where the change begins and ends.
fn place(finding: &Finding) -> Option<(SectionName, usize, usize)> {
    let (fix, site) = finding.fix.as_ref().zip(finding.site.text())?;
    let spans = || fix.replacements.iter().map(|replacement| replacement.span);
    let start = spans().map(|span| span.start()).min()?;
    Some((site.section, start, spans().map(|span| span.end()).max()?))
}

/// What tells a finding from others, wherever its line has gone.
type Identity = (&'static str, String, Option<String>, Option<usize>);

fn identity(finding: &Finding) -> Identity {
    let line = finding.site.text().map(|text| text.start.line);
    let message = finding.message.to_string();
    (finding.rule.id, message, finding.principal.clone(), line)
}

/// The texts after these fixes, which do not touch each other.
fn applied(data: &Texts, batch: &[&Finding]) -> Texts {
    let mut data = data.clone();
    for section in SectionName::ALL {
        let Some(text) = data.get(section.key()) else {
            continue;
        };
        let here = batch
            .iter()
            .filter(|finding| place(finding).is_some_and(|place| place.0 == section));
        let fixes = here.filter_map(|finding| finding.fix.as_ref());
        let mut replacements: Vec<&Replacement> = fixes.flat_map(|fix| &fix.replacements).collect();
        if replacements.is_empty() {
            continue;
        }
        replacements.sort_by_key(|replacement| replacement.span);
        let mut new = String::with_capacity(text.len());
        let mut from = 0;
        for Replacement { span, text: by } in replacements {
            new.push_str(text.get(from..span.start()).unwrap_or_default());
            new.push_str(by);
            from = span.end();
        }
        new.push_str(text.get(from..).unwrap_or_default());
        data.insert(section.key().to_owned(), new.into());
    }
    data
}
