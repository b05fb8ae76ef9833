//! A user who can change aws-auth can become a cluster administrator.

use std::collections::HashSet;

use crate::lint::bindings::{Bindings, describe, has_placeholder};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};
use crate::rbac::{self, Binding};

/// The namespace of aws-auth.
const NAMESPACE: &str = "kube-system";

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G10",
    name: "can-edit-aws-auth",
    severity: Severity::Warning,
    needs: Needs::BindingsAndRoles,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(bindings) = &context.bindings else {
        return;
    };
    // Report each user and group once, however many entries have it.
    let mut reported = HashSet::new();
    for entry in context.effective() {
        let username = entry.username();
        if bindings.is_admin(username, entry.mapping.groups()) {
            continue;
        }
        let user = (!has_placeholder(username)).then(|| {
            let escalation = escalation(bindings, bindings.of_user(username));
            (Part::Username, "user", username, escalation)
        });
        let groups = entry.groups().map(|(part, group)| {
            let escalation = escalation(bindings, bindings.of_group(group));
            (part, "group", group, escalation)
        });
        for (part, kind, name, escalation) in user.into_iter().chain(groups) {
            let Some((binding, action)) = escalation else {
                continue;
            };
            if !reported.insert((kind, name)) {
                continue;
            }
            let message = format!(
                "{kind} {name} can {action} ({} grants it {} {}), and so become a cluster administrator",
                describe(binding),
                binding.role.kind.name(),
                binding.role.name
            );
            let help = format!("bind {kind} {name} to a role without this right");
            findings.entry(entry, part, message, help);
        }
    }
}

/// Returns the first binding with a right that leads to all rights, and what the right allows.
fn escalation<'a>(
    index: &Bindings<'_>,
    bindings: &[&'a Binding],
) -> Option<(&'a Binding, &'static str)> {
    let mut bindings: Vec<&Binding> = bindings.to_vec();
    bindings.sort_unstable();
    bindings.into_iter().find_map(|binding| {
        let namespace = binding.namespace.as_deref();
        let applies = namespace.is_none_or(|namespace| namespace == NAMESPACE);
        let mut rules = index.rules(binding).iter().filter(|_| applies);
        Some((binding, rules.find_map(escalating_action)?))
    })
}

/// Returns what a rule allows that leads to all rights:
/// <https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks>
fn escalating_action(rule: &rbac::Rule) -> Option<&'static str> {
    let has = |words: &[String], any: &[&str]| {
        words
            .iter()
            .any(|word| word == "*" || any.contains(&word.as_str()))
    };
    let names = |any: &[&str]| rule.resource_names.is_empty() || has(&rule.resource_names, any);
    let is_core = has(&rule.api_groups, &[""]);
    let is_rbac = has(&rule.api_groups, &["rbac.authorization.k8s.io"]);
    if is_core
        && has(&rule.resources, &["configmaps"])
        && has(&rule.verbs, &["update", "patch"])
        && names(&["aws-auth"])
    {
        return Some("change aws-auth");
    }
    if is_rbac && has(&rule.resources, &["roles", "clusterroles"]) && rule.resource_names.is_empty()
    {
        if has(&rule.verbs, &["escalate"]) {
            return Some("write roles with rights that it does not have");
        }
        if has(&rule.verbs, &["bind"]) {
            return Some("bind roles with rights that it does not have");
        }
    }
    let impersonates = is_core
        && has(&rule.verbs, &["impersonate"])
        && has(&rule.resources, &["users", "groups", "serviceaccounts"])
        && names(&["system:masters"]);
    impersonates.then_some("impersonate other users")
}
