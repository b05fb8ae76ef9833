//! A section is a list, or nothing of it is in force.

use crate::document::{Section, Shape, Span};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S06",
    name: "not-a-list",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for section in context.unreadable() {
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
                "{key} is an empty mapping, which the authenticator reports as an error each time it reads it"
            );
            let finding =
                found.section(section.name(), span, message, "write [] for an empty list");
            if let Some(finding) = finding {
                let change = Some((span, "[]".to_owned()));
                finding.severity(Severity::Warning).fix("write []", change);
            }
            continue;
        }
        let message = format!(
            "{key} is {}, not a list: none of its entries is in force",
            shape.name()
        );
        let dashed = (shape == Shape::Mapping)
            .then(|| dashed(section, text, start))
            .flatten();
        let help = match (shape, &dashed) {
            (_, Some(_)) => "put a dash in front of each entry",
            (Shape::Text, _) => "write the list itself, without quotes or another | around it",
            _ => "write a list of entries, each with a dash in front",
        };
        if let Some(finding) = found.section(section.name(), span, message, help) {
            let first = Span::new(start, text.len());
            finding.fix(
                "make it a list of one entry",
                dashed.map(|text| (first, text)),
            );
        }
    }
}

/// One entry whose dash was forgotten, with its dash: what stands from its first letter on.
fn dashed(section: &Section, text: &str, start: usize) -> Option<String> {
    let indent = text[..start].rsplit('\n').next()?;
    let rest = text[start..].replace('\n', "\n  ");
    let rest = rest.trim_end_matches(' ');
    let mended = format!("{}- {rest}", &text[..start]);
    let section = Section::read(section.name(), Some(mended));
    let is_mended = indent.trim_matches(' ').is_empty()
        && matches!(section.entries(), [entry] if entry.mapping().is_some());
    is_mended.then(|| format!("- {rest}"))
}
