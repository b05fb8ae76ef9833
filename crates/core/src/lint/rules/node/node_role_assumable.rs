//! A caller who assumes a node's role chooses the session name, and with it the node.

use crate::assume_role_advice::{EC2, named_in};
use crate::facts::iam_inventory::Existence;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::iam_principals::{IamEntry, iam_entries};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

/// The services that assume the node roles of nodes that are named after their sessions: Fargate, and for hybrid nodes Systems Manager and
/// IAM Roles Anywhere. <https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html>,
/// <https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-creds.html>
const SESSION_NODE_SERVICES: [&str; 3] = [
    "eks-fargate-pods.amazonaws.com",
    "ssm.amazonaws.com",
    "rolesanywhere.amazonaws.com",
];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N15",
    name: "node-role-assumable",
    severity: Severity::Warning,
    needs: Needs::Principals,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for IamEntry { entry, named, .. } in iam_entries(context) {
        let expected: &[&str] = match entry.username() {
            name if name == NodeKind::Linux.username() => &[EC2],
            name if name == NodeKind::Fargate.username() => &SESSION_NODE_SERVICES,
            _ => continue,
        };
        let Existence::Exists(role) = named else {
            continue;
        };
        let trusted = role.trust.as_deref().and_then(|trust| named_in(trust).ok());
        let is_expected = |name: &str| expected.contains(&name.trim_end_matches(".cn"));
        let others: Vec<String> = trusted
            .into_iter()
            .flatten()
            .filter(|name| !is_expected(name))
            .map(|name| match name.as_str() {
                "*" => "every principal (*)".to_owned(),
                _ => name,
            })
            .collect();
        if others.is_empty() {
            continue;
        }
        let message = format!(
            "the role's trust policy admits {}: a caller who assumes the role chooses the session name, and can act as any node",
            others.join(", ")
        );
        let help = format!("trust only {}", expected.join(", "));
        findings.entry(entry, Part::Principal, message, help);
    }
}
