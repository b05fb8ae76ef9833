//! The caller who assumes a role chooses the session name, and here with it the username.

use crate::authenticator::Placeholder;
use crate::lint::bindings::describe;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::{Part, SESSION_TEMPLATES};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U04",
    name: "caller-chosen-username",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.effective() {
        let username = entry.username();
        let mut templates = SESSION_TEMPLATES.into_iter().map(Placeholder::text);
        let Some(template) = templates.find(|template| username.starts_with(template)) else {
            continue;
        };
        let bindings = context.bindings.as_ref();
        let reachable =
            bindings.and_then(|bindings| bindings.reachable_user(username, entry.account()));
        let message = match reachable {
            None => "the caller who assumes the role chooses the session name, and with it the Kubernetes user"
                .to_owned(),
            Some((user, binding)) => format!(
                "the caller who assumes the role chooses the session name, and so can become user {user} of {}",
                describe(binding)
            ),
        };
        let help = format!("add a prefix, as in dev:{template}, and write it in the bindings too");
        let finding = findings.entry(entry, Part::Username, message, help);
        if reachable.is_some() {
            finding.severity(Severity::Error);
        }
    }
}
