//! If a section is not a list, none of its entries has any effect.

use crate::document::{Section, Shape, Span};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S06",
    name: "section-not-a-list",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["S04"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for section in context.unreadable_sections() {
        let (Some(shape), Some(text)) = (section.shape(), section.text()) else {
            continue;
        };
        if shape == Shape::List {
            continue;
        }
        let key = section.name().key();
        let start = text.len() - text.trim_start().len();
        let end = text.find(['\n', '\r']).filter(|end| *end > start);
        let span = Span::new(start, end.unwrap_or(text.trim_end().len()));
        if text.trim() == "{}" {
            let message = format!(
                "{key} is an empty mapping, which the authenticator logs as an error each time it reads it"
            );
            findings
                .section(section.name(), span, message, "write [] for an empty list")
                .severity(Severity::Warning)
                .fix("write []", Some((span, "[]".to_owned())));
            continue;
        }
        let message = format!(
            "{key} is {}, not a list: none of its entries has any effect",
            shape.name()
        );
        let with_dash = (shape == Shape::Mapping)
            .then(|| with_dash(section, text, start))
            .flatten();
        let help = match (shape, &with_dash) {
            (_, Some(_)) => "add a dash before each entry",
            (Shape::Text, _) => "write the list itself, without quotes or another | around it",
            _ => "write a list of entries, each with a dash before it",
        };
        let all = Span::new(start, text.len());
        findings.section(section.name(), span, message, help).fix(
            "make it a list with one entry",
            with_dash.map(|text| (all, text)),
        );
    }
}

/// Returns the section from its first character on, with a dash added before a single entry that lacks one.
fn with_dash(section: &Section, text: &str, start: usize) -> Option<String> {
    let indent = text[..start].rsplit('\n').next()?;
    let rest = text[start..].replace('\n', "\n  ");
    let rest = rest.trim_end_matches(' ');
    let fixed = format!("{}- {rest}", &text[..start]);
    let section = Section::read(section.name(), Some(fixed));
    let is_fixed = indent.trim_matches(' ').is_empty()
        && matches!(section.entries(), [entry] if entry.mapping().is_some());
    is_fixed.then(|| format!("- {rest}"))
}
