//! A user among the roles or a role among the users works, and confuses.

use super::fault::fault;
use crate::document::SectionName;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "R11",
    name: "arn-in-other-list",
    severity: Severity::Note,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.in_force() {
        let (kind, other) = match written.section {
            SectionName::Roles => ("user", SectionName::Users),
            _ => ("role", SectionName::Roles),
        };
        let is_other = written.parts().is_some_and(|parts| parts.is("iam", kind));
        if is_other && fault(written).is_none() {
            let message = format!(
                "a {kind} in {} works, but other tools don't expect it there",
                written.section.key()
            );
            let help = format!("move the entry to {}", other.key());
            found.entry(written, written.principal_span(), message, help);
        }
    }
}
