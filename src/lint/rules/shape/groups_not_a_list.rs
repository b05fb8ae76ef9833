//! Groups that are no list are no groups.

use crate::document::{Oddity, Shape};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S10",
    name: "groups-not-a-list",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context
        .mapped()
        .filter(|written| written.mapping.groups.is_none())
    {
        for oddity in &written.entry.oddities {
            let Oddity::Mistyped {
                field: "groups",
                in_list: false,
                found: shape,
                span,
            } = *oddity
            else {
                continue;
            };
            let message = format!(
                "groups is {}, not a list: the authenticator keeps the entry without any group",
                shape.name()
            );
            let raw = written.raw(span);
            let finding = found.entry(
                written,
                span,
                message,
                "write a list, as in groups: [viewers]",
            );
            // Commas may stand between groups or in one, and brackets have a meaning of their own.
            let is_one = shape == Shape::Text
                && !raw.contains([',', '[', ']', '{', '}', '\n', '#', '|', '>', '&', '*', '!']);
            if let Some(finding) =
                finding.filter(|_| is_one && written.entry.span.range().contains(&span.start()))
            {
                finding.fix("make it a list of one", Some((span, format!("[{raw}]"))));
            }
        }
    }
}
