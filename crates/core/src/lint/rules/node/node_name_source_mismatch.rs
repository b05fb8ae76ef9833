//! EC2 nodes are named after their DNS names (or their instance IDs, if nodeadm is told so), Fargate nodes after their sessions.

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
    let Some((cluster, roles)) = node_roles(context) else {
        return;
    };
    // With InstanceIdNodeName of nodeadm, the session name is the node's name:
    // https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/
    let instances = cluster.node_inventory.instances.as_deref();
    let mut joined = instances
        .into_iter()
        .flatten()
        .filter_map(|one| one.node.as_deref());
    let has_id_names = joined.any(|node| node.starts_with("i-"));
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
        } else if is_ec2 && contains(session) && !has_id_names {
            let message = format!(
                "this is {role}: its nodes sign in as system:node:i-…, which is the name of a node only with InstanceIdNodeName of nodeadm; the API server rejects the requests of all others"
            );
            // Without the nodes' names, replacing it might be wrong.
            let help =
                format!("unless nodeadm names the nodes after their instance IDs, write {dns}");
            findings.entry(entry, Part::Username, message, help);
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
