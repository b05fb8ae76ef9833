//! A waiver that names no rule, or one that there is not, waives nothing.

use crate::lint::RULES;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::selection::{is_called, nearest};
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "L02",
    name: "waiver-of-unknown-rule",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for waiver in context.waivers() {
        if waiver.names.is_empty() {
            let help = "write # awsauth: ignore[ID] and a reason";
            found.section(
                waiver.section,
                waiver.span,
                "this waiver names no rule, and waives nothing",
                help,
            );
        }
        for name in &waiver.names {
            if !RULES.into_iter().any(|rule| is_called(rule, name)) {
                let message = format!("there is no rule {name}, so that nothing of it is waived");
                let help = nearest(name).map_or_else(
                    || "write the id of a rule, or leave it out".to_owned(),
                    |nearest| format!("write {nearest}, if that is what is meant"),
                );
                found.section(waiver.section, waiver.span, message, help);
            }
        }
    }
}
