//! Usernames that Kubernetes and EKS reserve for their own components.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

/// Reserved prefixes, each with the severity of its use:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
const PREFIXES: [(&str, Severity); 5] = [
    ("system:", Severity::Error),
    ("eks:", Severity::Error),
    ("aws:", Severity::Warning),
    ("amazon:", Severity::Warning),
    ("iam:", Severity::Warning),
];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U06",
    name: "impersonates-system-identity",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        let username = entry.username();
        let mut prefixes = PREFIXES.into_iter();
        let Some((prefix, severity)) = prefixes.find(|(prefix, _)| username.starts_with(prefix))
        else {
            continue;
        };
        if username.starts_with("system:node:") {
            continue;
        }
        let owner = if prefix == "system:" {
            "Kubernetes"
        } else {
            "AWS"
        };
        let message = format!(
            "{owner} reserves usernames that begin with {prefix} for its own components: this caller gets everything that is bound to {username}"
        );
        findings
            .entry(entry, Part::Username, message, "write another username")
            .severity(severity);
    }
}
