//! A Fargate profile's pod execution role has to be let in, with one group more than other nodes.

use crate::facts::fleet::Starter;
use crate::facts::groups::{MASTERS, OF_NODES};
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::nodes::{Door, check_unmapped, door, roles};
use crate::lint::{Needs, Nodes, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N07",
    name: "fargate-entry-incomplete",
    severity: Severity::Error,
    needs: Needs::Nodes(Nodes::Profiles),
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    check_unmapped(context, found, |one| matches!(one.by, Starter::Profile(_)));
    let Some((_, roles)) = roles(context) else {
        return;
    };
    for role in roles.all() {
        let Some(profiles) = role.only(|one| one.kind == NodeKind::Fargate) else {
            continue;
        };
        let Door::Entry(written) = door(context, role) else {
            continue;
        };
        let has = |group: &str| written.mapping.groups().iter().any(|has| has == group);
        // Without the others it is N04's.
        if !OF_NODES.into_iter().all(has) || has(MASTERS) {
            continue;
        }
        let lacks = NodeKind::Fargate.groups().iter().find(|group| !has(group));
        if let Some(group) = lacks {
            let message = format!(
                "this is {profiles}, and lacks {group}: kube-proxy can't work for its pods, which stay Pending"
            );
            let help = format!("add {group} to its groups");
            found.entry(written, written.groups_span(), message, help);
        }
    }
}
