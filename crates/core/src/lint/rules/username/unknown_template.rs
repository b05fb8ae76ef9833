//! A template that is not exactly one of the five that the authenticator knows is not replaced.

use crate::authenticator::Placeholder;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U02",
    name: "unknown-template",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["G07", "N05"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for entry in context.mapped() {
        for (part, text) in entry.templated_values() {
            for template in unknown_templates(text) {
                let message =
                    format!("{template} is not a template: the authenticator does not replace it");
                let Some(intended) = intended(template) else {
                    let known = Placeholder::ALL.map(Placeholder::text).join(", ");
                    findings.entry(entry, part, message, format!("the templates are {known}"));
                    continue;
                };
                let write = format!("write {intended}");
                let change = entry.replace(entry.span(part), template, intended);
                findings
                    .entry(entry, part, message, write.clone())
                    .fix(write, change);
            }
        }
    }
}

/// Returns the template that differs only in spaces, braces and letter case.
fn intended(template: &str) -> Option<&'static str> {
    let bare = |text: &str| text.trim_matches(['{', '}', ' ']).to_ascii_lowercase();
    let known = Placeholder::ALL.into_iter().map(Placeholder::text);
    known
        .into_iter()
        .find(|known| bare(known) == bare(template))
}

/// Returns what looks like a template but is not one.
fn unknown_templates(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let all = std::iter::from_fn(move || {
        let start = rest.find("{{")?;
        let end = start + 2 + rest[start + 2..].find("}}")? + 2;
        let template = &rest[start..end];
        rest = &rest[end..];
        Some(template)
    });
    all.filter(|template| {
        // U05 reports more than two braces.
        let has_more_braces = template[2..template.len() - 2].contains(['{', '}']);
        !has_more_braces
            && !Placeholder::ALL
                .iter()
                .any(|known| known.text() == *template)
    })
}
