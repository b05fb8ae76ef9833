use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "W2",
    title: "node name",
    after: &["E3"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let nodes = evidence.nodes.seen()?.as_ref();
    let nodes = nodes.map_err(Skipped::needs)?;
    let instances: Vec<_> = nodes.iter().filter(|node| node.is_instance).collect();
    let saw = match (nodes.len(), instances.len()) {
        (0, _) => return Outcome::ok("no node has joined"),
        (all, of_ec2) => format!("{all} nodes, {of_ec2} of them EC2 instances"),
    };
    // The authenticator calls an instance by the private DNS name that EC2 gives it, which kubelet reports as its InternalDNS.
    let odd = instances.into_iter().find(|node| {
        let names = &node.internal_dns;
        !names.is_empty() && !names.contains(&node.name)
    });
    match odd {
        None => Outcome::ok(saw),
        Some(node) => Outcome::problem(
            saw,
            format!(
                "the node {} is called {} by EC2, so that it signs in under another name than its own, and is refused: its DHCP option set has a domain of its own, or kubelet has --hostname-override",
                node.name,
                node.internal_dns.join(", ")
            ),
            "not a matter of aws-auth: see the domain of the VPC's DHCP option set, aws ec2 describe-dhcp-options, and kubelet's arguments on the node",
        ),
    }
}
