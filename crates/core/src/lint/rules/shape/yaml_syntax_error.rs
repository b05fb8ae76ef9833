//! If a section is not valid YAML, none of its entries has any effect.

use crate::document::{Section, Span};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S04",
    name: "yaml-syntax-error",
    severity: Severity::Error,
    needs: Needs::Nothing,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for section in context.unreadable_sections() {
        let Err(broken) = section.editable() else {
            continue;
        };
        let message = format!(
            "{}: the authenticator cannot read {}, so none of its entries has any effect",
            broken.reason,
            section.name().key()
        );
        let (span, help) = if let Some((span, what)) = invalid_indent(section, broken.line) {
            let help = format!("indent this line with spaces; it begins with {what}");
            (span, help)
        } else if let Some(found) = malformed_field(section, broken.line) {
            found
        } else if let Some((span, expected, kind)) = misaligned(section, broken.line) {
            // States a difference rather than a column, because in a manifest the whole section is indented further.
            let indent = span.end() - span.start();
            let (change, spaces) = match expected > indent {
                true => ("add", expected - indent),
                false => ("remove", indent - expected),
            };
            let s = if spaces == 1 { "" } else { "s" };
            let help =
                format!("indent this line like the other {kind}: {change} {spaces} space{s}");
            (span, help)
        } else {
            let help = "fix the syntax on this line or the line before it".to_owned();
            (broken.span, help)
        };
        findings.section(section.name(), span, message, help);
    }
}

/// The fields of an entry.
const FIELDS: [&str; 4] = ["rolearn", "userarn", "username", "groups"];

/// Finds a field with a missing colon, space, dash or `groups:` line, at most two lines before the parser's error, and how to
/// fix it.
fn malformed_field(section: &Section, line: usize) -> Option<(Span, String)> {
    let text = section.text()?;
    let (mut start, mut entries, mut fields) = (0, None, None);
    let mut previous = "";
    for (number, content) in text.split_inclusive('\n').enumerate() {
        let rest = content.trim_start_matches(' ');
        let indent = content.len() - rest.len();
        let item = rest.strip_prefix('-');
        let field = item
            .map_or(rest, |item| item.trim_start_matches(' '))
            .trim_end();
        let at = |field: &str| {
            let begin = start + content.len() - content.trim_start_matches([' ', '-']).len();
            Span::new(begin, begin + field.len())
        };
        if (line.saturating_sub(2)..=line).contains(&(number + 1)) {
            let dash = || Span::new(start + indent, start + indent + 1);
            if let Some(item) = item
                && FIELDS.iter().any(|name| begins_with(item, name).is_some())
            {
                return Some((dash(), "write a space after the dash".to_owned()));
            }
            let named = FIELDS
                .iter()
                .find_map(|name| Some((name, begins_with(field, name)?)));
            if let Some((name, after)) = named {
                let value = after.trim_start();
                if let Some(value) = value.strip_prefix(':') {
                    if !value.is_empty() && !value.starts_with(' ') {
                        return Some((at(field), format!("write a space after {name}:")));
                    }
                } else {
                    let help = format!("write {}", format!("{name}: {value}").trim_end());
                    return Some((at(field), help));
                }
            }
            let is_principal = |name: &str| begins_with(field, name).is_some();
            if item.is_none()
                && entries == Some(indent)
                && ["rolearn", "userarn"].into_iter().any(is_principal)
            {
                return Some((at(field), format!("begin the entry with a dash: - {field}")));
            }
            if item.is_some()
                && fields == Some(indent)
                && !is_field(field)
                && !previous.ends_with(':')
            {
                let help = "write groups: on a line of its own before this one".to_owned();
                return Some((dash(), help));
            }
        }
        if item.is_some() && is_field(field) {
            entries.get_or_insert(indent);
            if entries == Some(indent) {
                fields = Some(content.trim_end_matches(['\n', '\r']).len() - field.len());
            }
        }
        previous = content.trim();
        start += content.len();
    }
    None
}

/// Returns what follows a field's name at the start of a line, in any letter case.
fn begins_with<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let is_end = rest.is_empty() || rest.starts_with([' ', ':']);
    (start.eq_ignore_ascii_case(name) && is_end).then_some(rest)
}

/// Returns an indent that YAML does not accept, on the line where the parser failed or the one before it.
fn invalid_indent(section: &Section, line: usize) -> Option<(Span, &'static str)> {
    let text = section.text()?;
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        let indent = content.len() - content.trim_start_matches([' ', '\t', '\u{a0}']).len();
        if (number + 1).abs_diff(line) <= 1 && number < line {
            for (invalid, what) in [('\t', "a tab"), ('\u{a0}', "a no-break space")] {
                if content[..indent].contains(invalid) {
                    return Some((Span::new(start, start + indent), what));
                }
            }
        }
        start += content.len();
    }
    None
}

/// Returns the indentation of an entry or field if it differs from earlier ones, the expected number of spaces, and `entries` or
/// `fields`. Looks at the line where the parser failed and the one before it.
fn misaligned(section: &Section, line: usize) -> Option<(Span, usize, &'static str)> {
    let text = section.text()?;
    let (mut start, mut entries, mut fields) = (0, None, None);
    for (number, content) in text.split_inclusive('\n').enumerate() {
        let rest = content.trim_start_matches(' ');
        let indent = content.len() - rest.len();
        let item = rest
            .strip_prefix('-')
            .map(|item| item.trim_start_matches(' '));
        let expected = match item {
            Some(item) if is_field(item) => *entries.get_or_insert(indent),
            None if is_field(rest) => fields.unwrap_or(indent),
            _ => indent,
        };
        if expected != indent && (number + 1).abs_diff(line) <= 1 && number < line {
            let kind = if item.is_some() { "entries" } else { "fields" };
            return Some((Span::new(start, start + indent), expected, kind));
        }
        if let Some(item) = item.filter(|item| is_field(item) && entries == Some(indent)) {
            fields = Some(content.len() - item.len());
        }
        start += content.len();
    }
    None
}

/// Returns whether a line begins with a field name and a colon.
fn is_field(line: &str) -> bool {
    let name = line.trim_start_matches(['"', '\'']);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let after = end.map_or("", |end| name[end..].trim_start_matches(['"', '\'', ' ']));
    let rest = after.strip_prefix(':');
    end.is_some_and(|end| end > 0)
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r']))
}
