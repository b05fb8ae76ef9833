//! A group that is nearly one of those that Kubernetes and EKS give a meaning to.

use crate::facts::groups::{BUILT_IN, MASTERS};
use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};
use std::collections::HashMap;
use strsim::levenshtein;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G04",
    name: "near-miss-of-built-in",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let mut known: HashMap<&str, Option<&str>> = HashMap::new();
    for written in context.mapped() {
        for (group, span) in written.groups() {
            let Some(meant) = *known.entry(group).or_insert_with(|| near(group)) else {
                continue;
            };
            let finding = found.entry(
                written,
                span,
                format!("group {group} is not {meant}, and has none of its rights"),
                format!("write {meant}, if that is what is meant"),
            );
            // It hands out everything, so that nobody gets it by a guess.
            if let Some(finding) = finding.filter(|_| meant != MASTERS) {
                finding.fix(
                    format!("write {meant}"),
                    written.replaced(span, group, meant),
                );
            }
        }
    }
}

/// The built-in group that this one is not, by a letter or two.
pub(in crate::lint) fn near(group: &str) -> Option<&'static str> {
    if BUILT_IN.contains(&group) || explained::is_stray(group) {
        return None;
    }
    let folded = group.to_ascii_lowercase();
    BUILT_IN
        .into_iter()
        .filter(|known| known.len().abs_diff(folded.len()) <= 2)
        .filter(|known| shares_letters(known, &folded))
        .map(|known| (levenshtein(known, &folded), known))
        .filter(|(letters, _)| *letters <= 2)
        .min()
        .map(|(_, known)| known)
}

/// Whether two texts differ by so few letters, wherever these stand, that they may differ by two in all.
fn shares_letters(a: &str, b: &str) -> bool {
    let mut counts = [0_i32; 256];
    a.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    b.bytes().for_each(|byte| counts[usize::from(byte)] -= 1);
    let (more, fewer): (i32, i32) = counts.iter().fold((0, 0), |(more, fewer), count| {
        (more + (*count).max(0), fewer + (-count).max(0))
    });
    // A letter in place of another may be several bytes.
    more <= 2 && (fewer <= 2 || !b.is_ascii())
}
