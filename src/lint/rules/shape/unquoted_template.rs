//! YAML takes a value that begins with `{{` for a mapping, and the whole section is lost.

use crate::document::{Section, Span};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S05",
    name: "unquoted-template",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for section in context
        .unreadable()
        .filter(|section| is_sole_cause(section))
    {
        let key = section.name().key();
        let text = section.text().unwrap_or_default();
        for span in bare_templates(text) {
            let quoted = format!("\"{}\"", &text[span.range()]);
            let message = format!(
                "a template here needs quotes: the authenticator can't read {key}, so that none of its entries is in force"
            );
            let finding = found.section(section.name(), span, message, format!("write {quoted}"));
            if let Some(finding) = finding {
                finding.fix("put it in quotes", Some((span, quoted)));
            }
        }
    }
}

/// Whether the section could be read if its templates stood in quotes.
pub(super) fn is_sole_cause(section: &Section) -> bool {
    let text = section.text().unwrap_or_default();
    let spans = bare_templates(text);
    if spans.is_empty() {
        return false;
    }
    let mut mended = String::with_capacity(text.len() + 2 * spans.len());
    let mut from = 0;
    for span in spans {
        mended.push_str(&text[from..span.start()]);
        mended.push('"');
        mended.push_str(&text[span.range()]);
        mended.push('"');
        from = span.end();
    }
    mended.push_str(&text[from..]);
    !Section::read(section.name(), Some(mended)).is_unreadable()
}

/// The values with templates that stand there without the quotes they need.
fn bare_templates(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.contains("{{") {
            of_line(line, start, &mut spans);
        }
        start += line.len();
    }
    spans
}

fn of_line(line: &str, start: usize, spans: &mut Vec<Span>) {
    let mut value = line.trim_start_matches([' ', '-']);
    if let Some((key, rest)) = value.split_once(": ")
        && !key.contains(['{', '"', '\'', '#'])
    {
        value = rest.trim_start_matches(' ');
    }
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    let mut push = |value: &str| {
        // Both are parts of the line.
        let at = start + (value.as_ptr().addr() - line.as_ptr().addr());
        if !value.contains(['"', '\\']) {
            spans.push(Span::new(at, at + value.len()));
        }
    };
    if value.starts_with("{{") {
        // Within braces that stand on several lines.
        push(value.trim_end_matches(','));
    } else if value.starts_with('{') {
        in_braces(value).into_iter().for_each(push);
    } else if let Some(items) = value.strip_prefix('[') {
        items
            .trim_end_matches(']')
            .split(',')
            .map(str::trim)
            .filter(|item| item.contains("{{") && !item.starts_with(['"', '\'']))
            .for_each(push);
    }
}

/// The values with templates in a mapping in braces.
fn in_braces(mapping: &str) -> Vec<&str> {
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
