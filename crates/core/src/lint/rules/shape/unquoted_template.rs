//! YAML reads a value that begins with `{{` as a mapping, which breaks the whole section.

use crate::authenticator::Placeholder;
use crate::document::{Section, Span};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S05",
    name: "unquoted-template",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &["S04"],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for section in context.unreadable_sections() {
        let text = section.text().unwrap_or_default();
        let spans = lacking_quotes(section).into_iter();
        for span in spans.filter(|span| has_only_placeholders(&text[span.range()])) {
            let quoted = format!("\"{}\"", &text[span.range()]);
            let message = format!(
                "a template here needs quotes: the authenticator cannot read {}, so none of its entries has any effect",
                section.name().key()
            );
            findings
                .section(section.name(), span, message, format!("write {quoted}"))
                .fix("put it in quotes", Some((span, quoted)));
        }
    }
}

/// Returns the values with templates of a section to which only quotes are missing.
pub(super) fn lacking_quotes(section: &Section) -> Vec<Span> {
    let spans = unquoted_templates(section.text().unwrap_or_default());
    match spans.is_empty() || is_readable_with_quotes(section, &spans) {
        true => spans,
        false => Vec::new(),
    }
}

/// Returns whether all templates of a value are placeholders that the authenticator replaces, except for letter case and spaces.
pub(super) fn has_only_placeholders(value: &str) -> bool {
    let templates = value.split("{{").skip(1);
    let mut names = templates.map(|rest| rest.split("}}").next().unwrap_or_default().trim());
    names.all(|name| {
        let own = Placeholder::ALL.into_iter().map(Placeholder::text);
        let mut own = own.map(|text| text.trim_matches(['{', '}']));
        own.any(|own| own.eq_ignore_ascii_case(name))
    })
}

/// Returns whether quotes around these templates make the section valid.
fn is_readable_with_quotes(section: &Section, templates: &[Span]) -> bool {
    let text = section.text().unwrap_or_default();
    let mut quoted = String::with_capacity(text.len() + 2 * templates.len());
    let mut from = 0;
    for span in templates {
        quoted.push_str(&text[from..span.start()]);
        quoted.push('"');
        quoted.push_str(&text[span.range()]);
        quoted.push('"');
        from = span.end();
    }
    quoted.push_str(&text[from..]);
    !Section::read(section.name(), Some(quoted)).is_unreadable()
}

/// Returns the values with templates that lack the quotes they need.
fn unquoted_templates(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.contains("{{") {
            find_in_line(line, start, &mut spans);
        }
        start += line.len();
    }
    spans
}

fn find_in_line(line: &str, start: usize, spans: &mut Vec<Span>) {
    let mut value = line.trim_start_matches([' ', '-']);
    if let Some((key, rest)) = value.split_once(": ")
        && !key.contains(['{', '"', '\'', '#'])
    {
        value = rest.trim_start_matches(' ');
    }
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    let mut push = |value: &str| {
        // Both are slices of the line.
        let at = start + (value.as_ptr().addr() - line.as_ptr().addr());
        if !value.contains(['"', '\\']) {
            spans.push(Span::new(at, at + value.len()));
        }
    };
    if value.starts_with("{{") {
        // The line may be part of a flow mapping that spans several lines.
        push(value.trim_end_matches(','));
    } else if value.starts_with('{') {
        find_in_flow_mapping(value).into_iter().for_each(push);
    } else if let Some(items) = value.strip_prefix('[') {
        items
            .trim_end_matches(']')
            .split(',')
            .map(str::trim)
            .filter(|item| item.contains("{{") && !item.starts_with(['"', '\'']))
            .for_each(push);
    }
}

/// Returns the values with templates in a flow mapping.
fn find_in_flow_mapping(mapping: &str) -> Vec<&str> {
    let mut values = Vec::new();
    let mut done = 1;
    while let Some(opened) = mapping[done..].find("{{") {
        let before = &mapping[done..done + opened];
        let item = before.rfind([',', '[', '{']).map_or(0, |at| at + 1);
        let field = before.rfind(": ").map_or(0, |at| at + 2);
        let start = done + item.max(field);
        let Some(closed) = mapping[done + opened..].find("}}") else {
            break;
        };
        let closed = done + opened + closed + 2;
        let end = mapping[closed..].find([',', ']', '}']);
        done = end.map_or(mapping.len(), |end| closed + end);
        values.push(mapping[start..done].trim());
    }
    values
}
