//! Groups that Kubernetes assigns to its own identities.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G08",
    name: "reserved-group",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        for (part, group) in entry.groups() {
            let is_reserved = matches!(
                group,
                "system:unauthenticated" | "system:serviceaccounts" | "system:anonymous"
            ) || group.starts_with("system:serviceaccounts:")
                || group.starts_with("system:kube-");
            if group == "system:authenticated" {
                let message = "every authenticated user has the group system:authenticated anyway";
                findings
                    .entry(entry, part, message, "remove it")
                    .severity(Severity::Note);
            } else if is_reserved {
                let message = format!(
                    "Kubernetes assigns {group} to its own identities: this caller gets everything that is bound to it"
                );
                findings.entry(entry, part, message, "use a group of your own");
            }
        }
    }
}
