//! A group has only the rights that bindings grant it.

use crate::facts::groups::OF_PROXIES;
use crate::lint::bindings::has_placeholder;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};
use crate::shell_quote::quoted;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G02",
    name: "unbound-group",
    severity: Severity::Warning,
    needs: Needs::Bindings,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(bindings) = &context.bindings else {
        return;
    };
    for entry in context.effective() {
        for (part, group) in entry.groups() {
            let is_built_in = group.is_empty()
                || group.starts_with("system:")
                || OF_PROXIES.contains(&group)
                || has_placeholder(group);
            if is_built_in || !bindings.of_group(group).is_empty() {
                continue;
            }
            let message = format!("no binding names group {group}: it grants nothing");
            let help = format!(
                "bind it, as in kubectl create clusterrolebinding {0}-view --clusterrole view --group {0}, or remove it",
                quoted(group)
            );
            findings.entry(entry, part, message, help);
        }
    }
}
