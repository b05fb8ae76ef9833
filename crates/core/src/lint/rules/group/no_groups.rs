//! A principal without groups can sign in, but has no rights.

use crate::lint::bindings::Bindings;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G01",
    name: "no-groups",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        let username = entry.username();
        // N04 reports the missing groups of nodes.
        if !entry.mapping.groups().is_empty() || username.starts_with("system:node:") {
            continue;
        }
        let is_bound =
            |bindings: &Bindings<'_>| bindings.reachable_user(username, entry.account()).is_some();
        if context.bindings.as_ref().is_some_and(is_bound) {
            continue;
        }
        let message = if username.is_empty() {
            "there is no group: sign-in works, but every request is forbidden".to_owned()
        } else if context.bindings.is_some() {
            format!(
                "there is no group, and no binding names user {username}: sign-in works, but every request is forbidden"
            )
        } else {
            format!(
                "there is no group: sign-in works, but every request is forbidden unless a binding names user {username}"
            )
        };
        let place = if entry.source.fields.groups.is_some() {
            Part::Groups
        } else {
            Part::Principal
        };
        findings
            .entry(
                entry,
                Part::Groups,
                message,
                "add a group that a binding names",
            )
            .at(entry.span(place));
    }
}
