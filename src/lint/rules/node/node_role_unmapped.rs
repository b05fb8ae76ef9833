//! A managed node group's role has to be let in as its nodes.

use crate::facts::fleet::Starter;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::nodes::check_unmapped;
use crate::lint::{Needs, Nodes, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N02",
    name: "node-role-unmapped",
    severity: Severity::Error,
    needs: Needs::Nodes(Nodes::Groups),
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    check_unmapped(context, found, |one| matches!(one.by, Starter::Group(_)));
}
