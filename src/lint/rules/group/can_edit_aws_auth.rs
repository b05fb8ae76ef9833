//! Whoever may change aws-auth may map himself to the group that may do everything.

use std::collections::HashSet;

use crate::document::Span;
use crate::lint::bound::{Bound, has_placeholder, in_words};
use crate::lint::context::{Context, Written};
use crate::lint::found::Found;
use crate::lint::rules::is_admin;
use crate::lint::{Needs, Rule, Severity};
use crate::rbac::{self, Binding};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G10",
    name: "can-edit-aws-auth",
    severity: Severity::Warning,
    needs: Needs::Rights,
    check,
};

/// Where aws-auth is.
const NAMESPACE: &str = "kube-system";

fn check(context: &Context<'_>, found: &mut Found) {
    let Some(bound) = &context.bound else {
        return;
    };
    // What a group may is one mistake, however many have it.
    let mut told = HashSet::new();
    for written in context.in_force() {
        if is_admin(bound, written.mapping) {
            continue;
        }
        let username = &written.mapping.username;
        if !has_placeholder(username) {
            let way = way(bound, bound.user(username));
            tell(
                written,
                ("user", username),
                written.username_span(),
                way,
                &mut told,
                found,
            );
        }
        for (group, span) in written.groups() {
            let way = way(bound, bound.group(group));
            tell(written, ("group", group), span, way, &mut told, found);
        }
    }
}

type Way<'a> = (&'a Binding, &'static str);

fn tell<'a>(
    written: &Written<'a>,
    (kind, name): (&'static str, &'a str),
    span: Span,
    way: Option<Way<'_>>,
    told: &mut HashSet<(&'static str, &'a str)>,
    found: &mut Found,
) {
    let Some((binding, what)) = way else {
        return;
    };
    if !told.insert((kind, name)) {
        return;
    }
    let message = format!(
        "{kind} {name} may {what} ({} gives it {} {}), and so become whoever it wants",
        in_words(binding),
        binding.role.kind.name(),
        binding.role.name
    );
    let help = format!("bind {kind} {name} to a role that leaves this out");
    found.entry(written, span, message, help);
}

/// The first binding that gives more than it seems to.
fn way<'a>(bound: &Bound<'_>, bindings: &[&'a Binding]) -> Option<Way<'a>> {
    let mut bindings: Vec<&Binding> = bindings.to_vec();
    bindings.sort_unstable();
    let of = |binding: &&'a Binding| {
        let counts = binding
            .namespace
            .as_deref()
            .is_none_or(|of| of == NAMESPACE);
        let mut rules = bound.rules(binding).iter().filter(|_| counts);
        Some((*binding, rules.find_map(more_than_it_seems)?))
    };
    bindings.iter().find_map(of)
}

/// What a rule allows with which one gets all rights.
/// Source: <https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks>
fn more_than_it_seems(rule: &rbac::Rule) -> Option<&'static str> {
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
    impersonates.then_some("act as others")
}
