//! The principal of an access entry does not exist any more.

use crate::facts::iam_inventory::Existence;
use crate::lint::access_entries::{access_entries, cluster_flags, iam_existence, recreate_help};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};
use crate::shell_quote::quoted;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "E02",
    name: "entry-without-principal",
    severity: Severity::Warning,
    needs: Needs::EntryPrincipals,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in access_entries(context) {
        let arn = &entry.principal_arn;
        let (message, help) = match iam_existence(context, entry) {
            Some(Existence::Absent) => (
                format!(
                    "the principal of the access entry of {arn} does not exist: the entry admits no caller"
                ),
                format!(
                    "delete it: aws eks delete-access-entry{} --principal-arn {}",
                    cluster_flags(context),
                    quoted(arn)
                ),
            ),
            // A path is part of the ARN, and cannot be changed.
            Some(Existence::Exists(principal)) if principal.arn != *arn => (
                format!(
                    "the principal of the access entry of {arn} does not exist, only {}: the entry admits no caller",
                    principal.arn
                ),
                recreate_help(context, entry),
            ),
            _ => continue,
        };
        findings.config_map(message, help).principal = Some(arn.as_str().into());
    }
}
