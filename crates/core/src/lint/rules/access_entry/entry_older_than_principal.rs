//! An access entry is older than its principal: EKS ties it to a deleted principal of the same name.

use crate::facts::iam_inventory::Existence;
use crate::lint::access_entries::{access_entries, iam_existence, recreate_help};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "E01",
    name: "entry-older-than-principal",
    severity: Severity::Error,
    needs: Needs::EntryPrincipals,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in access_entries(context) {
        let Some(Existence::Exists(principal)) = iam_existence(context, entry) else {
            continue;
        };
        if entry.principal_arn != principal.arn || !entry.is_older_than(principal) {
            continue;
        }
        let arn = &entry.principal_arn;
        let message = format!(
            "the access entry of {arn} is older than its principal: it belongs to a deleted one of the same name, and EKS does not admit the present one"
        );
        findings
            .config_map(message, recreate_help(context, entry))
            .principal = Some(arn.as_str().into());
    }
}
