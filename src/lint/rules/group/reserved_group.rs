//! Groups that Kubernetes gives out itself.

use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G08",
    name: "reserved-group",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        for (group, span) in written.groups() {
            let is_reserved = matches!(
                group,
                "system:unauthenticated" | "system:serviceaccounts" | "system:anonymous"
            ) || group.starts_with("system:serviceaccounts:")
                || group.starts_with("system:kube-");
            if group == "system:authenticated" {
                let message = "whoever signs in has the group system:authenticated anyway";
                if let Some(finding) = found.entry(written, span, message, "leave it out") {
                    finding.severity(Severity::Note);
                }
            } else if is_reserved {
                let message = format!(
                    "{group} is a name that Kubernetes keeps for its own callers: whatever is bound to it is this caller's, too"
                );
                let help = "write a group of your own";
                found.entry(written, span, message, help);
            }
        }
    }
}
