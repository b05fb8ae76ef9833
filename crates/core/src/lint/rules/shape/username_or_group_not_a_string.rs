//! The authenticator ignores a username or group that is not text, or replaces it with an empty string.

use crate::document::{DecodeWarning, Shape};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::resolved_entry::Part;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S11",
    name: "username-or-group-not-a-string",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G01", "N04", "U01", "U03"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        for warning in &entry.source.decode_warnings {
            let DecodeWarning::Mistyped {
                field,
                in_list,
                found: shape,
                span,
            } = *warning
            else {
                continue;
            };
            let (part, what, becomes_empty) = match (field, in_list) {
                ("username", _) => (Part::Username, "username", entry.username().is_empty()),
                ("groups", true) => (Part::Groups, "a group", entry.has_group("")),
                _ => continue,
            };
            let effect = if becomes_empty {
                "the authenticator replaces it with an empty string"
            } else {
                "the authenticator ignores it"
            };
            let raw = entry.raw(span);
            let is = match shape {
                Shape::Null => "empty",
                shape => shape.name(),
            };
            let message = format!("{what} is {is}, not text: {effect}");
            let help = match shape {
                Shape::Null => "remove it".to_owned(),
                Shape::Mapping if raw.contains(": ") && !raw.contains(['{', '\n']) => {
                    format!("write {}, without a space", raw.replacen(": ", ":", 1))
                }
                Shape::Boolean | Shape::Number => format!("write \"{raw}\""),
                _ => "write text".to_owned(),
            };
            let is_scalar = matches!(shape, Shape::Boolean | Shape::Number);
            let change = is_scalar.then(|| entry.requote(span, raw)).flatten();
            findings
                .entry(entry, part, message, help)
                .at(span)
                .fix("put it in quotes", change);
        }
    }
}
