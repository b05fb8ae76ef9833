//! The pod execution role of a Fargate profile needs an entry with one group more than other nodes.

use crate::facts::groups::{MASTERS, OF_NODES};
use crate::facts::node_inventory::NodeSource;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::facts::{Needs, NodeSources};
use crate::lint::finding::Findings;
use crate::lint::node_access::{NodeAccess, check_unmapped, node_access, node_roles};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N07",
    name: "fargate-entry-incomplete",
    severity: Severity::Error,
    needs: Needs::Nodes(NodeSources::Profiles),
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    check_unmapped(context, findings, |role| {
        matches!(role.by, NodeSource::Profile(_))
    });
    let Some((_, roles)) = node_roles(context) else {
        return;
    };
    for role in roles.all() {
        let Some(profiles) = role.only(|role| role.kind == NodeKind::Fargate) else {
            continue;
        };
        let NodeAccess::AwsAuth(entry) = node_access(context, role) else {
            continue;
        };
        // N04 reports the groups that all nodes need.
        let is_complete = OF_NODES.into_iter().all(|group| entry.has_group(group));
        if !is_complete || entry.has_group(MASTERS) {
            continue;
        }
        let mut groups = NodeKind::Fargate.groups().iter();
        if let Some(group) = groups.find(|group| !entry.has_group(group)) {
            let message = format!(
                "this is {profiles}, and lacks {group}: kube-proxy cannot work for its pods, which stay Pending"
            );
            let help = format!("add {group} to its groups");
            findings.entry(entry, Part::Groups, message, help);
        }
    }
}
