//! A group has the rights that a binding gives it, and no others.

use crate::facts::groups::OF_PROXIES;
use crate::lint::bound::has_placeholder;
use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::rules::group::clusterrole_used_as_group::is_role;
use crate::lint::{Needs, Rule, Severity};
use crate::shell::quoted;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G02",
    name: "unbound-group",
    severity: Severity::Warning,
    needs: Needs::Bindings,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some(bound) = &context.bound else {
        return;
    };
    for written in context.in_force() {
        for (group, span) in written.groups() {
            let is_others = group.is_empty()
                || group.starts_with("system:")
                || OF_PROXIES.contains(&group)
                || has_placeholder(group)
                || explained::is_slip(group)
                || is_role(context, group);
            if is_others || !bound.group(group).is_empty() {
                continue;
            }
            let message = format!("no binding names the group {group}: it gives nothing");
            let help = format!(
                "bind it, as in kubectl create clusterrolebinding {0}-view --clusterrole view --group {0}, or leave it out",
                quoted(group)
            );
            found.entry(written, span, message, help);
        }
    }
}
