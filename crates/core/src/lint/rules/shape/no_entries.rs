//! An aws-auth without any entry admits no caller.

use super::unknown_top_level_key::intended_section;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S19",
    name: "no-entries",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let facts = context.facts;
    let faults = &facts.manifest_faults;
    // Other rules report entries that are elsewhere or cannot be read.
    let is_explained = !faults.not_text.is_empty()
        || !faults.misplaced.is_empty()
        || context.unreadable_sections().next().is_some()
        || context.keys.iter().any(|key| is_misspelled_section(key));
    if !facts.is_file || is_explained || !context.entries().is_empty() {
        return;
    }
    let message =
        "aws-auth has no entry: no role or user can sign in with it, and no node can join";
    let help = "add the entries of the nodes and of the users: awsauth map node-role ROLE-ARN --kind linux";
    findings.config_map(message, help);
}

fn is_misspelled_section(key: &str) -> bool {
    intended_section(key).is_some_and(|section| section.key() != key)
}
