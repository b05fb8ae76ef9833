//! Two users whose ARNs differ only in letter case match the same caller, and either one may be used.

use std::collections::HashMap;

use crate::arn::fold;
use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D03",
    name: "users-differ-only-in-case",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut seen = HashMap::new();
    for entry in context.effective() {
        if entry.section != SectionName::Users {
            continue;
        }
        let line = entry.source.line;
        let first = *seen.entry(fold(entry.principal())).or_insert(line);
        if first == line {
            continue;
        }
        let message = "another entry differs from this one only in letter case: the authenticator uses either one, possibly a different one at each sign-in";
        findings
            .entry(entry, Part::Principal, message, "merge the two entries")
            .other_line(first);
    }
}
