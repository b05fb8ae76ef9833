//! A username or group that YAML does not take for text is an empty text.

use crate::document::{Oddity, Shape};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S11",
    name: "value-not-a-string",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        for oddity in &written.entry.oddities {
            let Oddity::Mistyped {
                field,
                in_list,
                found: shape,
                span,
            } = *oddity
            else {
                continue;
            };
            let (what, becomes_empty) = match (field, in_list) {
                ("username", _) => ("username", written.mapping.username.is_empty()),
                ("groups", true) => (
                    "a group",
                    written.mapping.groups().iter().any(String::is_empty),
                ),
                _ => continue,
            };
            let effect = if becomes_empty {
                "the authenticator makes an empty text of it"
            } else {
                "the authenticator passes over it"
            };
            let raw = written.raw(span);
            let is = match shape {
                Shape::Null => "empty",
                shape => shape.name(),
            };
            let message = format!("{what} is {is}, not text: {effect}");
            let help = match shape {
                Shape::Null => "remove it".to_owned(),
                Shape::Mapping if raw.contains(": ") && !raw.contains(['{', '\n']) => {
                    format!("write {}, without a blank", raw.replacen(": ", ":", 1))
                }
                Shape::Boolean | Shape::Number => format!("write \"{raw}\""),
                _ => "write text".to_owned(),
            };
            let is_token = matches!(shape, Shape::Boolean | Shape::Number);
            if let Some(finding) = found.entry(written, span, message, help) {
                let change = is_token.then(|| written.rewritten(span, raw)).flatten();
                finding.fix("put it in quotes", change);
            }
        }
    }
}
