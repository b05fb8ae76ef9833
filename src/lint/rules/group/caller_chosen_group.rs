//! Whoever assumes a role names the session, and here with it a group.

use crate::effect::Placeholder;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::rules::username::OF_SESSION;
use crate::lint::rules::username::template_needs_a_session::is_sessionless;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "G09",
    name: "caller-chosen-group",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        for (group, span) in written.groups() {
            let is_named = OF_SESSION.into_iter().any(|of| group.contains(of.text()));
            let message = if is_named && !is_sessionless(written) {
                "whoever may assume the role names the session, and so picks the group"
            } else if group.contains(Placeholder::AccessKeyId.text()) {
                "the group is another for each access key, and so none that a binding can name"
            } else {
                continue;
            };
            let help = "write the group itself, and one role for each group";
            found.entry(written, span, message, help);
        }
    }
}
