//! The ARN of the root user does not mean all principals of the account.

use crate::lint::arn_fault::arn_fault;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R10",
    name: "account-root",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        let is_root = entry.arn().is_some_and(|arn| arn.is("iam", "root"));
        if is_root && arn_fault(entry).is_none() {
            let message = "this is only the account's root user, not all principals of the account";
            let help = "map the roles or users that need access";
            findings.entry(entry, Part::Principal, message, help);
        }
    }
}
