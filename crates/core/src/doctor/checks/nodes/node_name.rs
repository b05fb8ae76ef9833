//! W2: whether nodes have the names that EC2 gives them.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};

pub(crate) const CHECK: Check = Check {
    id: "W2",
    title: "node name",
    after: &["E3"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let nodes = evidence.nodes.seen()?.as_ref();
    let nodes = nodes.map_err(Skipped::needs)?;
    let instances: Vec<_> = nodes.iter().filter(|node| node.is_instance).collect();
    let saw = match (nodes.len(), instances.len()) {
        (0, _) => return Outcome::ok("no nodes"),
        (all, of_ec2) => format!("{all} nodes, of which {of_ec2} are EC2 instances"),
    };
    // The authenticator's name for an instance is EC2's private DNS name, which kubelet reports as InternalDNS.
    let renamed = instances.into_iter().find(|node| {
        let names = &node.internal_dns;
        !names.is_empty() && !names.contains(&node.name)
    });
    match renamed {
        None => Outcome::ok(saw),
        Some(node) => Outcome::problem(
            saw,
            format!(
                "EC2 names the node {} {}, so it signs in under a name other than its own and is rejected: its DHCP option set has a custom domain, or kubelet runs with --hostname-override",
                node.name,
                node.internal_dns.join(", ")
            ),
            "aws-auth cannot fix this: check the domain of the VPC's DHCP option set, aws ec2 describe-dhcp-options, and kubelet's arguments on the node",
        ),
    }
}
