//! Whoever assumes a role names the session, and here with it the user.

use super::OF_SESSION;
use super::template_needs_a_session::is_sessionless;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U04",
    name: "caller-chosen-username",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        let username = &written.mapping.username;
        let named = OF_SESSION
            .into_iter()
            .map(|of| of.text())
            .find(|of| username.starts_with(of));
        let Some(template) = named.filter(|_| !is_sessionless(written)) else {
            continue;
        };
        let message =
            "whoever may assume the role names the session, and with it the Kubernetes user";
        let help =
            format!("write something in front, as in dev:{template}, and name it in the bindings");
        found.entry(written, written.username_span(), message, help);
    }
}
