//! Names that Kubernetes and EKS keep for their own parts.

use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U06",
    name: "impersonates-system-identity",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

/// How such names begin, and how bad that is:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
const PREFIXES: [(&str, Severity); 5] = [
    ("system:", Severity::Error),
    ("eks:", Severity::Error),
    ("aws:", Severity::Warning),
    ("amazon:", Severity::Warning),
    ("iam:", Severity::Warning),
];

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        let username = &written.mapping.username;
        let reserved = PREFIXES
            .into_iter()
            .find(|(prefix, _)| username.starts_with(prefix));
        let Some((prefix, severity)) = reserved else {
            continue;
        };
        if username.starts_with("system:node:") || explained::is_misnamed_node(written) {
            continue;
        }
        let owner = if prefix == "system:" {
            "Kubernetes"
        } else {
            "AWS"
        };
        let message = format!(
            "names that begin with {prefix} are those of {owner}: whatever is bound to {username} is this caller's, too"
        );
        let help = "write a name of its own";
        if let Some(finding) = found.entry(written, written.username_span(), message, help) {
            finding.severity(severity);
        }
    }
}
