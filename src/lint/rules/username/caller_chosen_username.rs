//! Whoever assumes a role names the session, and here with it the user.

use super::OF_SESSION;
use super::template_needs_a_session::is_sessionless;
use crate::lint::bound::in_words;
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
        let account = written.parts().map_or("", |parts| parts.account);
        let bound = context.bound.as_ref();
        let chosen = bound.and_then(|bound| bound.one_of(username, account));
        let message = match chosen {
            None => {
                "whoever may assume the role names the session, and with it the Kubernetes user"
                    .to_owned()
            }
            Some((user, binding)) => format!(
                "whoever may assume the role names the session, and so can become the user {user} of {}",
                in_words(binding)
            ),
        };
        let help =
            format!("write something in front, as in dev:{template}, and name it in the bindings");
        if let Some(finding) = found.entry(written, written.username_span(), message, help)
            && chosen.is_some()
        {
            finding.severity(Severity::Error);
        }
    }
}
