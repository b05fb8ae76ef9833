//! What is not exactly one of the five templates stays as text.

use super::template_eaten::is_eaten;
use crate::effect::Placeholder;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U02",
    name: "unknown-template",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        for (text, span) in written.templated() {
            // What is left of a template is U05's.
            if is_eaten(text) && text == written.mapping.username {
                continue;
            }
            for template in unknown(text) {
                let message =
                    format!("{template} is no template: the authenticator leaves it as it is");
                let Some(meant) = meant(template) else {
                    let known = Placeholder::ALL.map(Placeholder::text).join(", ");
                    found.entry(written, span, message, format!("the templates are {known}"));
                    continue;
                };
                let write = format!("write {meant}");
                if let Some(finding) = found.entry(written, span, message, write.clone()) {
                    finding.fix(write, written.replaced(span, template, meant));
                }
            }
        }
    }
}

/// The template that is written so but for blanks, braces and letter case.
fn meant(template: &str) -> Option<&'static str> {
    let bare = |text: &str| text.trim_matches(['{', '}', ' ']).to_ascii_lowercase();
    let known = Placeholder::ALL.into_iter().map(Placeholder::text);
    known
        .into_iter()
        .find(|known| bare(known) == bare(template))
}

/// What stands in a text as templates do, and is none.
pub(in crate::lint) fn unknown(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let all = std::iter::from_fn(move || {
        let start = rest.find("{{")?;
        let end = start + 2 + rest[start + 2..].find("}}")? + 2;
        let template = &rest[start..end];
        rest = &rest[end..];
        Some(template)
    });
    all.filter(|template| {
        // What stands within more braces is another matter.
        let is_one = !template[2..template.len() - 2].contains(['{', '}']);
        is_one
            && !Placeholder::ALL
                .iter()
                .any(|known| known.text() == *template)
    })
}
