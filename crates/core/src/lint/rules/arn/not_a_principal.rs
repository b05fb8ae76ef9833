//! Most resources with an ARN cannot sign in.

use crate::lint::arn_fault::ArnFault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R08",
    name: "not-a-principal",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for (entry, fault) in context.unmatchable() {
        let (ArnFault::NotAPrincipal, Some(arn)) = (fault, entry.arn()) else {
            continue;
        };
        let what = if arn.service.eq_ignore_ascii_case("iam") {
            format!("an IAM {}", arn.kind)
        } else {
            format!("a resource of {}", arn.service)
        };
        let message = format!("{what} cannot sign in: the entry never matches");
        let help = if arn.is("iam", "group") {
            "map the role that the members of the group assume"
        } else {
            "write the ARN of a role or user"
        };
        findings.entry(entry, Part::Principal, message, help);
    }
}
