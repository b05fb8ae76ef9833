//! The role of a managed node group needs an entry for nodes.

use crate::facts::node_inventory::NodeSource;
use crate::lint::context::Context;
use crate::lint::facts::{Needs, NodeSources};
use crate::lint::finding::Findings;
use crate::lint::node_access::check_unmapped;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N02",
    name: "node-group-role-unmapped",
    severity: Severity::Error,
    needs: Needs::Nodes(NodeSources::Groups),
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    check_unmapped(context, findings, |role| {
        matches!(role.by, NodeSource::Group(_))
    });
}
