//! Unlike a role's ARN, a user's ARN contains its IAM path.

use crate::facts::iam_inventory::Existence;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::iam_principals::{IamEntry, iam_entries};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R12",
    name: "user-path-missing",
    severity: Severity::Error,
    needs: Needs::Principals,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for IamEntry { entry, arn, named } in iam_entries(context) {
        let Existence::Exists(user) = named else {
            continue;
        };
        let old = entry.principal();
        if !arn.is("iam", "user") || user.arn.eq_ignore_ascii_case(old) {
            continue;
        }
        let message = format!(
            "the user is {}, and STS reports a user with its IAM path: the entry never matches",
            user.arn
        );
        let change = entry.replace(entry.span(Part::Principal), old, &user.arn);
        findings
            .entry(
                entry,
                Part::Principal,
                message,
                format!("write {}", user.arn),
            )
            .fix(format!("write {} instead of {old}", user.arn), change);
    }
}
