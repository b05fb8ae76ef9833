//! EC2 nodes are named after their DNS names, Fargate nodes after their sessions.

use crate::authenticator::Placeholder;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::facts::{Needs, NodeSources};
use crate::lint::finding::Findings;
use crate::lint::node_access::{NodeAccess, node_access, node_roles};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N06",
    name: "node-name-source-mismatch",
    severity: Severity::Error,
    needs: Needs::Nodes(NodeSources::Eks),
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some((_, roles)) = node_roles(context) else {
        return;
    };
    let (dns, session) = (
        Placeholder::Ec2PrivateDnsName.text(),
        Placeholder::SessionName.text(),
    );
    for role in roles.all() {
        let NodeAccess::AwsAuth(entry) = node_access(context, role) else {
            continue;
        };
        let is_fargate = role.has(NodeKind::Fargate);
        let is_ec2 = role.uses.iter().any(|role| role.kind != NodeKind::Fargate);
        let contains = |template: &str| entry.username().contains(template);
        let span = entry.span(Part::Username);
        if is_ec2 && is_fargate {
            if !contains(dns) && !contains(session) {
                continue;
            }
            let message = format!(
                "this is {role}, and an ARN has only one entry: either the EC2 nodes or the Fargate nodes get a wrong name"
            );
            let help = "give the Fargate profile a role of its own";
            findings.entry(entry, Part::Username, message, help);
        } else if is_ec2 && contains(session) {
            let message = format!(
                "this is {role}: its nodes become system:node:i-…, which is not their name, and the API server rejects what they do"
            );
            findings
                .entry(entry, Part::Username, message, format!("write {dns}"))
                .fix(
                    format!("write {dns} instead of {session}"),
                    entry.replace(span, session, dns),
                );
        } else if is_fargate && contains(dns) {
            let message = format!(
                "this is {role}: Fargate nodes are not EC2 instances, so their sign-in is rejected"
            );
            findings
                .entry(entry, Part::Username, message, format!("write {session}"))
                .fix(
                    format!("write {session} instead of {dns}"),
                    entry.replace(span, dns, session),
                );
        }
    }
}
