//! A group has only the rights that bindings grant it.

use std::collections::HashMap;

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};
use crate::rbac::{is_built_in_group, unbound_group_help};

/// How many groups are compared with the names of bound groups.
const COMPARED: usize = 50;

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
    let kubectl = context.facts.kubectl.as_deref().unwrap_or("kubectl");
    let mut help_by_group: HashMap<&str, String> = HashMap::new();
    for entry in context.effective() {
        for (part, group) in entry.groups() {
            if is_built_in_group(group) || !bindings.of_group(group).is_empty() {
                continue;
            }
            let message = format!("no binding names group {group}: it grants nothing");
            let compared = match help_by_group.len() < COMPARED {
                true => bindings.all(),
                false => &[],
            };
            let help = help_by_group
                .entry(group)
                .or_insert_with(|| unbound_group_help(group, compared, kubectl));
            findings.entry(entry, part, message, help.clone());
        }
    }
}
