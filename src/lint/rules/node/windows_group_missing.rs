//! On Windows kube-proxy needs a group of its own.

use crate::facts::groups::MASTERS;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::nodes::{Door, door, roles, signs_in_with};
use crate::lint::{Needs, Nodes, Rule, Severity};

/// The group.
const KUBE_PROXY: &str = "eks:kube-proxy-windows";

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N08",
    name: "windows-group-missing",
    severity: Severity::Error,
    needs: Needs::Nodes(Nodes::Groups),
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some((_, roles)) = roles(context) else {
        return;
    };
    let fails = "kube-proxy can't write its rules, and DNS and services fail in Windows pods";
    for all in roles.all() {
        let Some(role) = all.only(|one| one.kind == NodeKind::Windows) else {
            continue;
        };
        match door(context, all) {
            Door::Entry(written) => {
                let groups = written.mapping.groups();
                let has = |name: &str| groups.iter().any(|group| group == name);
                if groups.is_empty() || has(KUBE_PROXY) || has(MASTERS) {
                    continue;
                }
                let message = format!("this is {role}, whose nodes run Windows: {fails}");
                let help = format!("add {KUBE_PROXY} to its groups");
                found.entry(written, written.groups_span(), message, help);
            }
            Door::AccessEntry(Some(terms))
                if terms.is_for_nodes() && terms.kind != NodeKind::Windows.access_entry_type() =>
            {
                let arn = signs_in_with(role.arn);
                let message = format!(
                    "the access entry of {arn}, {role}, is of type {}, and its nodes run Windows: {fails}",
                    terms.kind
                );
                let kind = NodeKind::Windows.access_entry_type();
                let help = format!("make its access entry anew with the type {kind}");
                found.missing(&arn, message, help);
            }
            Door::AccessEntry(_) | Door::Nothing => {}
        }
    }
}
