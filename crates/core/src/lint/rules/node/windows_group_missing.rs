//! On Windows nodes, kube-proxy needs a group of its own.

use crate::facts::groups::MASTERS;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::facts::{Needs, NodeSources};
use crate::lint::finding::Findings;
use crate::lint::node_access::{NodeAccess, node_access, node_roles, sign_in_arn};
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

/// The group.
const KUBE_PROXY: &str = "eks:kube-proxy-windows";

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N08",
    name: "windows-group-missing",
    severity: Severity::Error,
    needs: Needs::Nodes(NodeSources::Groups),
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some((_, roles)) = node_roles(context) else {
        return;
    };
    let effect = "kube-proxy cannot write its rules, so DNS and Services fail in Windows pods";
    for whole in roles.all() {
        let Some(role) = whole.only(|role| role.kind == NodeKind::Windows) else {
            continue;
        };
        match node_access(context, whole) {
            NodeAccess::AwsAuth(entry) => {
                let is_complete = entry.has_group(KUBE_PROXY) || entry.has_group(MASTERS);
                if is_complete || entry.mapping.groups().is_empty() {
                    continue;
                }
                let message = format!("this is {role}, whose nodes run Windows: {effect}");
                let help = format!("add {KUBE_PROXY} to its groups");
                findings.entry(entry, Part::Groups, message, help);
            }
            NodeAccess::AccessEntry(Some(terms))
                if terms.is_for_nodes() && terms.kind != NodeKind::Windows.access_entry_type() =>
            {
                let arn = sign_in_arn(role.arn);
                let message = format!(
                    "the access entry of {arn}, {role}, has type {}, but its nodes run Windows: {effect}",
                    terms.kind
                );
                let kind = NodeKind::Windows.access_entry_type();
                let help = format!("create the access entry again with type {kind}");
                findings.missing_role(&arn, message, help);
            }
            NodeAccess::AccessEntry(_) | NodeAccess::Nothing => {}
        }
    }
}
