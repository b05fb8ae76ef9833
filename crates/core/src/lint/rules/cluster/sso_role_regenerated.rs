//! When Identity Center recreates a role, the role gets a new suffix.

use crate::facts::iam_inventory::Existence;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::iam_principals::{
    iam_entries, iam_principals, permission_set, permission_set_roles,
};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};
use crate::shell_quote::quoted;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N11",
    name: "sso-role-regenerated",
    severity: Severity::Error,
    needs: Needs::Principals,
    supersedes: &["N10"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(all) = iam_principals(context) else {
        return;
    };
    for missing in iam_entries(context).filter(|entry| entry.named == Existence::Absent) {
        let (entry, name) = (missing.entry, missing.arn.name);
        let Some(set) = permission_set(name) else {
            continue;
        };
        let roles = permission_set_roles(all, set);
        let [first, ..] = roles.as_slice() else {
            continue;
        };
        let message = format!(
            "{name} no longer exists; the permission set {set} now has the role {}: the entry never matches",
            first.name
        );
        let finding = findings.entry(
            entry,
            Part::Principal,
            message,
            format!(
                "write {}; on a cluster: awsauth map sso {}",
                first.name,
                quoted(set)
            ),
        );
        if roles.len() == 1 {
            finding.fix(
                format!("write {} instead of {name}", first.name),
                entry.replace(entry.span(Part::Principal), name, &first.name),
            );
        }
    }
}
