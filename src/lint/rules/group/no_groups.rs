//! Whoever has no group may sign in, and do nothing.

use crate::lint::bound::Bound;
use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G01",
    name: "no-groups",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        let username = &written.mapping.username;
        // What a node lacks is N04's to say.
        let is_other = username.starts_with("system:node:") || explained::has_lost_groups(written);
        if !written.mapping.groups().is_empty() || is_other {
            continue;
        }
        let account = written.parts().map_or("", |parts| parts.account);
        let is_bound = |bound: &Bound<'_>| bound.one_of(username, account).is_some();
        if context.bound.as_ref().is_some_and(is_bound) {
            continue;
        }
        let message = if username.is_empty() {
            "there is no group: the login works, and everything is forbidden".to_owned()
        } else if context.bound.is_some() {
            format!(
                "there is no group, and no binding names the user {username}: the login works, and everything is forbidden"
            )
        } else {
            format!(
                "there is no group: the login works, and everything is forbidden unless a binding names the user {username}"
            )
        };
        let span = if written.entry.fields.groups.is_some() {
            written.groups_span()
        } else {
            written.principal_span()
        };
        found.entry(written, span, message, "add a group that a binding names");
    }
}
