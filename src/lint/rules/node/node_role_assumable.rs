//! Whoever may assume a node's role picks the session's name, and with it the node.

use crate::facts::node_kinds::NodeKind;
use crate::facts::principals::Named;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::principals::known;
use crate::lint::{Needs, Rule, Severity};
use crate::trust::{EC2, named_in};

/// Who assumes the roles of nodes that are called by their sessions: Fargate, and for hybrid nodes Systems Manager and IAM Roles
/// Anywhere. <https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html>,
/// <https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-creds.html>
const OF_SESSIONS: [&str; 3] = [
    "eks-fargate-pods.amazonaws.com",
    "ssm.amazonaws.com",
    "rolesanywhere.amazonaws.com",
];

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N15",
    name: "node-role-assumable",
    severity: Severity::Warning,
    needs: Needs::Principals,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for known in known(context) {
        let written = known.written;
        let expected: &[&str] = match written.mapping.username.as_str() {
            name if name == NodeKind::Linux.username() => &[EC2],
            name if name == NodeKind::Fargate.username() => &OF_SESSIONS,
            _ => continue,
        };
        let Named::Here(role) = known.named else {
            continue;
        };
        let trusted = role.trust.as_deref().and_then(|trust| named_in(trust).ok());
        let is_expected = |name: &str| expected.contains(&name.trim_end_matches(".cn"));
        let others: Vec<String> = trusted
            .into_iter()
            .flatten()
            .filter(|name| !is_expected(name))
            .map(|name| match name.as_str() {
                "*" => "everybody (*)".to_owned(),
                _ => name,
            })
            .collect();
        if others.is_empty() {
            continue;
        }
        let message = format!(
            "the role's trust policy lets in {}, who picks the session's name when assuming it, and so becomes any node",
            others.join(", ")
        );
        let help = format!("trust {} alone", expected.join(", "));
        found.entry(written, written.principal_span(), message, help);
    }
}
