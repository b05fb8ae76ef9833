//! A group that is nearly one of those that Kubernetes and EKS give a meaning to.

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

/// The groups that aws-auth is written for.
const BUILT_IN: [&str; 5] = [
    "system:masters",
    "system:nodes",
    "system:bootstrappers",
    "system:node-proxier",
    "eks:kube-proxy-windows",
];

/// The one that hands out everything, so that nobody gets it by a guess.
const MASTERS: &str = BUILT_IN[0];

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
        .map(|known| (levenshtein(known, &folded), known))
        .filter(|(letters, _)| *letters <= 2)
        .min()
        .map(|(_, known)| known)
}
