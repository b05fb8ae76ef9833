//! A group whose name is almost that of a built-in group of Kubernetes or EKS.

use std::collections::HashMap;

use strsim::levenshtein;

use crate::facts::groups::{BUILT_IN, MASTERS};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G04",
    name: "misspelled-built-in-group",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G02", "G03", "N04", "U03"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut known: HashMap<&str, Option<&str>> = HashMap::new();
    for entry in context.mapped() {
        for (part, group) in entry.groups() {
            let Some(intended) = *known.entry(group).or_insert_with(|| closest(group)) else {
                continue;
            };
            let finding = findings.entry(
                entry,
                part,
                format!("group {group} is not {intended} and has none of its rights"),
                format!("write {intended} if that is what you mean"),
            );
            // system:masters grants full access, so never write it on a guess.
            if intended != MASTERS {
                let change = entry.replace(entry.span(part), group, intended);
                finding.fix(format!("write {intended}"), change);
            }
        }
    }
}

/// Returns the built-in group within two edits of this one, ignoring letter case.
fn closest(group: &str) -> Option<&'static str> {
    if BUILT_IN.contains(&group) {
        return None;
    }
    let folded = group.to_ascii_lowercase();
    BUILT_IN
        .into_iter()
        .filter(|known| known.len().abs_diff(folded.len()) <= 2)
        .filter(|known| has_similar_letters(known, &folded))
        .map(|known| (levenshtein(known, &folded), known))
        .filter(|(distance, _)| *distance <= 2)
        .min()
        .map(|(_, known)| known)
}

/// Returns whether two texts contain almost the same letters, in any order. A cheap filter that avoids most edit distance
/// computations.
fn has_similar_letters(a: &str, b: &str) -> bool {
    let mut counts = [0_i32; 256];
    a.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    b.bytes().for_each(|byte| counts[usize::from(byte)] -= 1);
    let (more, fewer): (i32, i32) = counts.iter().fold((0, 0), |(more, fewer), count| {
        (more + (*count).max(0), fewer + (-count).max(0))
    });
    // A single letter may be several bytes.
    more <= 2 && (fewer <= 2 || !b.is_ascii())
}
