//! A user without a name.

use crate::lint::context::Context;
use crate::lint::explained;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U01",
    name: "empty-username",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        if !written.mapping.username.is_empty() || explained::has_lost_username(written) {
            continue;
        }
        let message = "there is no username: the caller signs in without a name, which no binding can name and no audit log tells";
        let name = written.parts().map(|parts| parts.name);
        let help = match name.filter(|name| !name.is_empty()) {
            Some(name) => format!("write a username, such as {name}"),
            None => "write a username".to_owned(),
        };
        let span = if written.entry.fields.username.is_some() {
            written.username_span()
        } else {
            written.principal_span()
        };
        found.entry(written, span, message, help);
    }
}
