//! Karpenter replaces instances that cannot join, over and over.

use crate::facts::node_inventory::NodeSource;
use crate::lint::context::Context;
use crate::lint::facts::{Needs, NodeSources};
use crate::lint::finding::Findings;
use crate::lint::node_access::{check_unmapped, node_roles};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N09",
    name: "karpenter-role-missing",
    severity: Severity::Error,
    needs: Needs::Nodes(NodeSources::Classes),
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some((_, roles)) = node_roles(context) else {
        return;
    };
    // N02 reports a role that a managed node group has too.
    let has_group = |arn: &str| {
        let role = roles
            .all()
            .iter()
            .find(|role| role.uses.iter().any(|one| one.role == arn));
        role.is_some_and(|role| {
            role.uses
                .iter()
                .any(|one| matches!(one.by, NodeSource::Group(_)))
        })
    };
    let cluster = context.facts.cluster.as_ref();
    let knows_groups = cluster.is_some_and(|cluster| cluster.node_inventory.groups.is_some());
    check_unmapped(context, findings, |role| {
        matches!(role.by, NodeSource::Class(_)) && !(knows_groups && has_group(role.role))
    });
}
