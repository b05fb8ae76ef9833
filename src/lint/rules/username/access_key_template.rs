//! A name that changes with each access key.

use crate::effect::Placeholder;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U07",
    name: "access-key-template",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let template = Placeholder::AccessKeyId.text();
    for written in context.in_force() {
        if written.mapping.username.contains(template) {
            let message = "the name is another for each access key; versions 0.5.2 to 0.5.8 of the authenticator let the caller choose it (CVE-2022-2385)";
            let help = "write {{SessionName}} for a role, and the name itself for a user";
            found.entry(written, written.username_span(), message, help);
        }
    }
}
