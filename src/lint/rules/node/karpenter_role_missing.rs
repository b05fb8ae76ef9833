//! Instances that Karpenter starts have to be let in, or it replaces them for ever.

use crate::facts::fleet::Starter;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::nodes::{check_unmapped, roles};
use crate::lint::{Needs, Nodes, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N09",
    name: "karpenter-role-missing",
    severity: Severity::Error,
    needs: Needs::Nodes(Nodes::Classes),
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some((_, all)) = roles(context) else {
        return;
    };
    // A role that a node group has, too, is N02's.
    let is_groups = |role: &str| {
        let role = all
            .all()
            .iter()
            .find(|all| all.uses.iter().any(|one| one.role == role));
        role.is_some_and(|role| {
            role.uses
                .iter()
                .any(|one| matches!(one.by, Starter::Group(_)))
        })
    };
    let knows_groups = context.facts.cluster.as_ref();
    let knows_groups = knows_groups.is_some_and(|cluster| cluster.fleet.groups.is_some());
    check_unmapped(context, found, |one| {
        matches!(one.by, Starter::Class(_)) && !(knows_groups && is_groups(one.role))
    });
}
