//! A principal is an administrator in aws-auth and through an access entry.

use crate::authenticator::Override;
use crate::facts::access_entries::CLUSTER_ADMIN;
use crate::facts::groups::MASTERS;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "E05",
    name: "admin-in-both-stores",
    severity: Severity::Warning,
    needs: Needs::AccessEntries,
    supersedes: &["D06"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(entries) = &context.facts.access_entries else {
        return;
    };
    for entry in context.effective().filter(|entry| entry.has_group(MASTERS)) {
        let principal = &entry.mapping.principal;
        let Some(Override::AccessEntry(access_entry)) = entries.override_for_principal(principal)
        else {
            continue;
        };
        let terms = access_entry.terms.as_ref();
        let mut policies = terms.into_iter().flat_map(|terms| terms.policies());
        if !policies.any(|policy| policy.is_cluster_admin()) {
            continue;
        }
        let message = format!(
            "the access entry of {} grants {CLUSTER_ADMIN}, and this entry grants {MASTERS}: without the access entry, the principal is still an administrator",
            access_entry.principal_arn
        );
        findings.entry(
            entry,
            Part::Entry,
            message,
            "keep only the access entry: remove this entry",
        );
    }
}
