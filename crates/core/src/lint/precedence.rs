//! One mistake, one finding: drops findings that another rule explains better.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::finding::{Finding, Site};
use super::resolved_entry::Part;
use super::rule::Rule;
use super::rules::RULES;
use crate::document::SectionName;

/// For each rule, the IDs of the rules that supersede it.
static SUPERSEDED_BY: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut map: HashMap<_, Vec<_>> = HashMap::new();
    for rule in RULES {
        for superseded in rule.supersedes {
            map.entry(*superseded).or_default().push(rule.id);
        }
    }
    map
});

/// All rules, each after those that supersede it.
static ORDER: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    fn visit(id: &'static str, seen: &mut HashSet<&'static str>, order: &mut Vec<&'static str>) {
        if seen.insert(id) {
            for superseder in superseders(id) {
                visit(superseder, seen, order);
            }
            order.push(id);
        }
    }
    let (mut seen, mut order) = (HashSet::new(), Vec::with_capacity(RULES.len()));
    for rule in RULES {
        visit(rule.id, &mut seen, &mut order);
    }
    order
});

fn superseders(id: &str) -> &'static [&'static str] {
    SUPERSEDED_BY.get(id).map_or(&[], Vec::as_slice)
}

/// What a finding is about, without the part of the entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Entry(SectionName, usize),
    Section(SectionName),
    Key(String),
    ConfigMap,
}

impl Subject {
    fn of(finding: &Finding) -> Self {
        match (&finding.site, finding.entry) {
            (Site::Text(text), Some(index)) => Self::Entry(text.section, index),
            (Site::Text(text), None) => Self::Section(text.section),
            (Site::Key(key), _) => Self::Key(key.clone()),
            (Site::File(_) | Site::ConfigMap, _) => Self::ConfigMap,
        }
    }
}

/// The rules with a remaining finding about each part of each subject.
#[derive(Default)]
struct Remaining {
    /// About exactly this part.
    at: HashMap<(Subject, Part), Vec<&'static str>>,
    /// About this part, or a part of it.
    within: HashMap<(Subject, Part), Vec<&'static str>>,
}

impl Remaining {
    fn add(&mut self, rule: &Rule, subject: &Subject, part: Part) {
        let insert = |rules: &mut Vec<&'static str>| {
            if !rules.contains(&rule.id) {
                rules.push(rule.id);
            }
        };
        insert(self.at.entry((subject.clone(), part)).or_default());
        for part in with_parents(part) {
            insert(self.within.entry((subject.clone(), part)).or_default());
        }
    }

    /// Returns whether one of these rules has a finding about this part, a part of it, or a part that contains it.
    fn overlaps(&self, rules: &[&str], subject: &Subject, part: Part) -> bool {
        let has = |map: &HashMap<_, Vec<&'static str>>, part: Part| {
            let found = map.get(&(subject.clone(), part));
            found.is_some_and(|found| found.iter().any(|rule| rules.contains(rule)))
        };
        has(&self.within, part) || with_parents(part).skip(1).any(|part| has(&self.at, part))
    }
}

/// Returns the part and all parts that contain it.
fn with_parents(part: Part) -> impl Iterator<Item = Part> {
    std::iter::successors(Some(part), |part| part.parent())
}

/// Drops each finding that overlaps a remaining finding of a rule that supersedes its rule.
pub(super) fn drop_superseded(findings: &mut Vec<Finding>) {
    let mut by_rule: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, finding) in findings.iter().enumerate() {
        by_rule.entry(finding.rule.id).or_default().push(index);
    }
    let mut remaining = Remaining::default();
    let mut dropped = HashSet::new();
    for rule in ORDER.iter() {
        let superseders: Vec<&str> = superseders(rule)
            .iter()
            .copied()
            .filter(|superseder| by_rule.contains_key(superseder))
            .collect();
        for &index in by_rule.get(rule).into_iter().flatten() {
            let finding = &findings[index];
            let (subject, part) = (Subject::of(finding), finding.part);
            if !superseders.is_empty() && remaining.overlaps(&superseders, &subject, part) {
                dropped.insert(index);
            } else if !finding.rule.supersedes.is_empty() {
                remaining.add(finding.rule, &subject, part);
            }
        }
    }
    let mut index = 0;
    findings.retain(|_| {
        index += 1;
        !dropped.contains(&(index - 1))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn superseded_rules_exist_and_form_no_cycle() {
        for rule in RULES {
            for id in rule.supersedes {
                assert!(RULES.iter().any(|other| other.id == *id), "{id}");
            }
        }
        for (index, id) in ORDER.iter().enumerate() {
            for superseder in superseders(id) {
                assert!(ORDER[..index].contains(superseder), "{superseder} {id}");
            }
        }
    }
}
