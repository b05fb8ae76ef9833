//! A user in mapRoles or a role in mapUsers works, but may confuse other tools.

use crate::document::SectionName;
use crate::lint::arn_fault::arn_fault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R11",
    name: "arn-in-other-list",
    severity: Severity::Note,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        let (kind, other, key) = match entry.section {
            SectionName::Roles => ("user", SectionName::Users, "userarn"),
            _ => ("role", SectionName::Roles, "rolearn"),
        };
        let is_other = entry.arn().is_some_and(|arn| arn.is("iam", kind));
        if is_other && arn_fault(entry).is_none() {
            let message = format!(
                "a {kind} in {} works, but other tools may not expect it there",
                entry.section.key()
            );
            let help = format!(
                "move the entry to {}, as {}: apply and diff refuse it where it is",
                other.key(),
                key
            );
            findings.entry(entry, Part::Principal, message, help);
        }
    }
}
