//! An item of a list that is no entry.

use crate::document::{Oddity, SectionName, Shape};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S07",
    name: "entry-not-a-mapping",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.entries() {
        let not_a_mapping = written
            .entry
            .oddities
            .iter()
            .find_map(|oddity| match oddity {
                Oddity::NotAMapping(shape) => Some(*shape),
                _ => None,
            });
        let Some(shape) = not_a_mapping else {
            continue;
        };
        let field = if written.section == SectionName::Users {
            "userarn"
        } else {
            "rolearn"
        };
        let message = format!(
            "an entry is a mapping, and this item is {}: the authenticator drops it",
            if shape == Shape::Null {
                "empty"
            } else {
                shape.name()
            }
        );
        let help = match shape {
            Shape::Null => "remove the empty item".to_owned(),
            Shape::List => "remove one of the dashes or brackets around the entries".to_owned(),
            _ => format!("write {field}, username and groups"),
        };
        found.entry(written, written.entry.span, message, help);
    }
}
