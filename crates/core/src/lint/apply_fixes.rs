//! Applies the fixes of findings. A fix is applied only if it resolves its finding, causes no other finding, and changes no other
//! entry; all others are left to the user.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::facts::Facts;
use super::finding::{Finding, Replacement};
use super::rule::Rule;
use super::rules::RULES;
use super::run_rules::{Report, lint};
use super::selection::Selection;
use crate::document::{Document, Entry, SectionName};
use crate::facts::groups::MASTERS;

/// How many bytes to check in total. Each round either improves the text or leaves one fix out.
const WORK_LIMIT: usize = 256 << 20;

/// The `data` of a ConfigMap.
pub type Texts = BTreeMap<String, Arc<str>>;

/// Texts, and the findings that were fixed in them.
#[derive(Clone, Debug)]
pub struct FixResult {
    /// The texts after all fixes.
    pub data: Texts,
    /// The findings that were fixed, in the order of the fixes, each with its place before its fix.
    pub fixed: Vec<Finding>,
    /// The remaining findings with a fix, each with the reason why it was not applied.
    pub unfixed: Vec<(Finding, String)>,
}

/// A text, and what the rules find in it.
struct State {
    data: Texts,
    document: Document,
    report: Report,
}

/// Applies the fixes of the selected rules until no safe one is left.
pub fn apply_fixes(data: &Texts, facts: &Facts, selection: &Selection) -> FixResult {
    let mut state = State::of(data.clone(), facts);
    let mut fixed = Vec::new();
    let mut left_out = BTreeMap::new();
    let mut batch_size = usize::MAX;
    // How many findings were fixed when the current pass began.
    let mut fixed_before_pass = 0;
    let mut work = 0;
    while work < WORK_LIMIT {
        // Checking an empty text takes time, too.
        work += 1 << 10;
        work += state.data.values().map(|text| text.len()).sum::<usize>();
        let all = state.fixable(selection, &left_out);
        let batch = &all[..all.len().min(batch_size)];
        let Some(first) = batch.first() else {
            if fixed.len() == fixed_before_pass {
                break;
            }
            // The other fixes may have made a fix safe that was left out.
            fixed_before_pass = fixed.len();
            left_out.clear();
            batch_size = usize::MAX;
            continue;
        };
        let next = State::of(with_fixes(&state.data, batch), facts);
        let fault = fault(&state, &next, batch);
        if fault.is_none() {
            fixed.extend(batch.iter().map(|&finding| finding.clone()));
            state = next;
            batch_size = batch_size.saturating_mul(2);
        } else if let [_] = batch {
            left_out.insert(identity(first), fault.unwrap_or_default());
        } else {
            batch_size = batch.len() / 2;
        }
    }
    let remaining = state.report.findings.iter();
    let remaining =
        remaining.filter(|finding| finding.fix.is_some() && selection.admits(finding.rule));
    let unfixed = remaining.map(|finding| {
        let why = left_out.remove(&identity(finding));
        let why = why.unwrap_or_else(|| "there are too many fixes to check each".to_owned());
        (finding.clone(), why)
    });
    FixResult {
        unfixed: unfixed.collect(),
        data: state.data,
        fixed,
    }
}

impl State {
    fn of(data: Texts, facts: &Facts) -> Self {
        let document = Document::read(&data);
        // A fix must not cause findings of rules that are not selected, either.
        let report = lint(&data, &document, facts, &Selection::default());
        Self {
            data,
            document,
            report,
        }
    }

    /// Returns the findings with a fix, in the order of the text. If two fixes overlap, only the first one.
    fn fixable(
        &self,
        selection: &Selection,
        left_out: &BTreeMap<Identity, String>,
    ) -> Vec<&Finding> {
        let mut ends = [0; 3];
        let mut fixable: Vec<&Finding> = self
            .report
            .findings
            .iter()
            .filter(|finding| finding.fix.is_some() && selection.admits(finding.rule))
            .filter(|finding| !left_out.contains_key(&identity(finding)))
            .collect();
        fixable.sort_by_key(|finding| place(finding).map(|(section, start, _)| (section, start)));
        fixable.retain(|finding| {
            let Some((section, start, end)) = place(finding) else {
                return false;
            };
            let previous_end = &mut ends[section as usize];
            let is_free = start >= *previous_end;
            if is_free {
                *previous_end = end.max(start + 1);
            }
            is_free
        });
        fixable
    }
}

/// Returns the section that a finding's fix changes, and the start and end of the change.
fn place(finding: &Finding) -> Option<(SectionName, usize, usize)> {
    let (fix, site) = finding.fix.as_ref().zip(finding.site.text())?;
    let spans = || fix.replacements.iter().map(|replacement| replacement.span);
    let start = spans().map(|span| span.start()).min()?;
    Some((site.section, start, spans().map(|span| span.end()).max()?))
}

/// What distinguishes a finding from others: rule, message, principal and line.
type Identity = (&'static str, String, Option<Arc<str>>, Option<usize>);

fn identity(finding: &Finding) -> Identity {
    let line = finding.site.text().map(|text| text.start.line);
    let message = finding.message.to_string();
    (finding.rule.id, message, finding.principal.clone(), line)
}

/// Returns the texts with these fixes, which must not overlap.
fn with_fixes(data: &Texts, batch: &[&Finding]) -> Texts {
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

/// Returns why the fixes of a batch did not do what they should, as a sentence fragment: resolve its findings, cause none, add no entry
/// to system:masters, and change no entry outside the batch. A section that could not be decoded before may show new findings of other
/// rules.
fn fault(before: &State, after: &State, batch: &[&Finding]) -> Option<String> {
    let sections = SectionName::ALL.into_iter();
    let revealed: Vec<SectionName> = sections
        .filter(|name| before.document.section(*name).is_unreadable())
        .filter(|name| !after.document.section(*name).is_unreadable())
        .collect();
    if makes_administrator(before, after, &revealed) {
        return Some(format!(
            "that would put it in {MASTERS}, which has full access; change it yourself if it should be"
        ));
    }
    if let Some(rule) = caused_rule(before, after, batch, &revealed) {
        let is_own = batch.iter().any(|finding| finding.rule == rule);
        return Some(match is_own {
            true => "that would not resolve the finding".to_owned(),
            false => format!("that would cause {} {}", rule.id, rule.name),
        });
    }
    let keeps = keeps_other_entries(before, after, batch, &revealed);
    (!keeps).then(|| "that would change another entry".to_owned())
}

/// Returns whether an entry has the group system:masters only after the fixes. Full access is never granted on a guess.
fn makes_administrator(before: &State, after: &State, revealed: &[SectionName]) -> bool {
    let is_in_masters = |entry: &Entry| {
        let groups = entry.written_mapping().groups();
        groups.iter().any(|group| group == MASTERS)
    };
    let mut sections = SectionName::ALL.into_iter();
    sections.any(|name| {
        let (old, new) = (before.document.section(name), after.document.section(name));
        let mut both = old.entries().iter().zip(new.entries());
        !revealed.contains(&name)
            && both.any(|(old, new)| !is_in_masters(old) && is_in_masters(new))
    })
}

/// The number of findings of each rule in each section.
type Counts = HashMap<(&'static str, Option<SectionName>), usize>;

fn counts<'a>(findings: impl Iterator<Item = &'a Finding>) -> Counts {
    let mut counts = Counts::new();
    for finding in findings {
        let section = finding.site.text().map(|text| text.section);
        *counts.entry((finding.rule.id, section)).or_default() += 1;
    }
    counts
}

/// Returns a rule with more findings than there should be: those of the batch are resolved, and there are no new ones.
fn caused_rule(
    before: &State,
    after: &State,
    batch: &[&Finding],
    revealed: &[SectionName],
) -> Option<&'static Rule> {
    let mut expected = counts(before.report.findings.iter());
    for (key, fixed) in counts(batch.iter().copied()) {
        if let Some(count) = expected.get_mut(&key) {
            *count -= fixed.min(*count);
        }
    }
    let remaining = counts(after.report.findings.iter());
    let caused = remaining.iter().filter(|(key, count)| {
        let is_revealed = key.1.is_some_and(|section| revealed.contains(&section));
        let is_in_batch = batch.iter().any(|finding| finding.rule.id == key.0);
        let is_expected = **count <= expected.get(*key).copied().unwrap_or_default();
        !(is_expected || (is_revealed && !is_in_batch))
    });
    // The first by ID, so that the result does not depend on the order of the map.
    let id = caused.map(|(key, _)| key.0).min()?;
    RULES.into_iter().find(|rule| rule.id == id)
}

/// Returns whether all entries outside the batch keep their meaning.
fn keeps_other_entries(
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
            let are_all_in_entries = here.clone().all(|finding| finding.entry.is_some());
            let mut touched: Vec<usize> = here.filter_map(|finding| finding.entry).collect();
            touched.sort_unstable();
            let (old, new) = (old.entries(), new.entries());
            // A fix of the section itself may make further entries readable; they come after the others.
            (old.len() == new.len() || (!are_all_in_entries && old.len() < new.len()))
                && old.iter().zip(new).enumerate().all(|(index, (old, new))| {
                    touched.binary_search(&index).is_ok() || old.status == new.status
                })
        })
}
