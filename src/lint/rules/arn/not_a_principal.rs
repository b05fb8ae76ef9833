//! Not everything that has an ARN can sign in.

use super::fault::Fault;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R08",
    name: "not-a-principal",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for (written, fault) in context.faulty() {
        let (Fault::NotAPrincipal, Some(parts)) = (fault, written.parts()) else {
            continue;
        };
        let what = if parts.service.eq_ignore_ascii_case("iam") {
            format!("a {} of IAM", parts.kind)
        } else {
            format!("something of {}", parts.service)
        };
        let message = format!("{what} never signs in: the entry matches nobody");
        let help = if parts.is("iam", "group") {
            "map the role that the members of the group assume"
        } else {
            "write the ARN of a role or user"
        };
        found.entry(written, written.principal_span(), message, help);
    }
}
