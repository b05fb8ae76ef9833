//! If a section is not valid YAML, none of its entries has any effect.

use std::collections::BTreeMap;

use crate::document::{Document, Entry, Section, SectionName, Span};
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
        } else if let Some((span, key)) = key_of_data(section, broken.line) {
            let help = format!(
                "{key} is a key of data, not a part of {0}: indent it like `{0}:`",
                section.name().key()
            );
            (span, help)
        } else if let Some(repair) = best(section, broken.line) {
            (repair.span, repair.help)
        } else {
            let help = "fix the syntax on this line or the line before it".to_owned();
            (broken.span, help)
        };
        findings.section(section.name(), span, message, help);
    }
}

/// A possible correction.
struct Repair {
    span: Span,
    help: String,
    /// What is replaced in the section's text, each with its replacement, in the order of the text.
    edits: Vec<(Span, String)>,
}

impl Repair {
    fn one(span: Span, help: String, replaced: Span, by: &str) -> Self {
        Self {
            span,
            help,
            edits: vec![(replaced, by.to_owned())],
        }
    }

    /// Returns whether the corrected section has only entries that the authenticator keeps, without repeated fields.
    fn works(&self, section: &Section) -> bool {
        let Some(text) = section.text() else {
            return false;
        };
        let (mut fixed, mut from) = (String::with_capacity(text.len() + 16), 0);
        for (span, by) in &self.edits {
            let Some(kept) = text.get(from..span.start()) else {
                return false;
            };
            fixed += kept;
            fixed += by;
            from = span.end();
        }
        fixed += text.get(from..).unwrap_or_default();
        let data = BTreeMap::from([(section.name().key().to_owned(), fixed)]);
        let document = Document::read(&data);
        let section = document.section(section.name());
        let is_complete = |entry: &Entry| {
            let fields = &entry.fields;
            entry.mapping().is_some_and(|mapping| {
                let mut texts = mapping.groups().iter().chain([&mapping.username]);
                !texts.any(|text| text.contains(" - "))
            }) && !fields.is_repeated
                && !fields.is_mistyped
                && !fields.has_unknown
        };
        section.editable().is_ok()
            && !section.entries().is_empty()
            && section.entries().iter().all(is_complete)
    }
}

/// Returns the first correction that works, or else the first one: the section may have more mistakes.
fn best(section: &Section, line: usize) -> Option<Repair> {
    let mut repairs = malformed_fields(section, line);
    repairs.extend(misaligned(section, line));
    repairs.extend(moved_lines(section, line));
    let at = repairs.iter().position(|repair| repair.works(section));
    repairs.into_iter().nth(at.unwrap_or(0))
}

/// Returns the first line, up to the parser's error, that is the key of a section.
fn key_of_data(section: &Section, line: usize) -> Option<(Span, &'static str)> {
    let (mut start, text) = (0, section.text()?);
    for content in text.split_inclusive('\n').take(line) {
        let rest = content.trim_start_matches(' ');
        let begin = start + content.len() - rest.len();
        let keys = SectionName::ALL.into_iter().map(SectionName::key);
        for key in keys {
            if rest
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with(':'))
            {
                return Some((Span::new(begin, begin + key.len()), key));
            }
        }
        start += content.len();
    }
    None
}

/// The maximum length in bytes of a section in which single lines are moved, each to several indentations.
const MAX_TEXT: usize = 1 << 16;

/// Finds lines near the parser's error that make the section valid with the indentation of another line.
fn moved_lines(section: &Section, line: usize) -> Vec<Repair> {
    const BEFORE: usize = 7;
    const AFTER: usize = 3;
    let text = section.text().unwrap_or_default();
    if text.len() > MAX_TEXT {
        return Vec::new();
    }
    let first = line.saturating_sub(BEFORE + 1);
    let mut start = 0;
    let mut near = Vec::new();
    for (number, content) in text.split_inclusive('\n').enumerate() {
        let rest = content.trim_start_matches(' ');
        let is_text = !rest.trim().is_empty() && !rest.starts_with('#');
        if is_text && (first..line + AFTER).contains(&number) {
            near.push((number, Span::new(start, start + content.len() - rest.len())));
        }
        start += content.len();
    }
    let mut indents: Vec<usize> = near
        .iter()
        .map(|(_, span)| span.end() - span.start())
        .collect();
    indents.sort_unstable();
    indents.dedup();
    for (_, span) in near.iter().rev().filter(|(number, _)| *number < line) {
        let indent = span.end() - span.start();
        for &to in indents.iter().filter(|to| **to != indent) {
            let spaces = to.abs_diff(indent);
            let s = if spaces == 1 { "" } else { "s" };
            let help = match to > indent {
                true => format!("add {spaces} space{s} before this line"),
                false => format!("remove {spaces} space{s} before this line"),
            };
            let repair = Repair::one(*span, help, *span, &" ".repeat(to));
            if repair.works(section) {
                return vec![repair];
            }
        }
    }
    Vec::new()
}

/// Characters that look like the hyphen with which YAML begins an item.
const DASHES: [char; 10] = ['‐', '‑', '‒', '–', '—', '―', '−', '﹘', '﹣', '－'];

/// The fields of an entry.
const FIELDS: [&str; 4] = ["rolearn", "userarn", "username", "groups"];

/// Finds fields with a missing key, colon, space, dash or `groups:` line, at most two lines before the parser's error, and how
/// to fix each.
fn malformed_fields(section: &Section, line: usize) -> Vec<Repair> {
    let text = section.text().unwrap_or_default();
    let mut repairs = Vec::new();
    let (mut start, mut entries, mut fields, mut groups) = (0, None, None, None);
    let mut previous = "";
    // Whether the last field is `groups:`, without a value on its line.
    let mut has_groups = false;
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
            if let Some(wrong) = rest.chars().next().filter(|c| DASHES.contains(c)) {
                let span = Span::new(start + indent, start + indent + wrong.len_utf8());
                let help = format!(
                    "write a hyphen, -, at the start of this line; {wrong} (U+{:04X}) only looks like one",
                    u32::from(wrong)
                );
                repairs.insert(0, Repair::one(span, help, span, "-"));
            }
            let dash = || Span::new(start + indent, start + indent + 1);
            if let Some(item) = item
                && !item.starts_with([' ', '-', '\r', '\n'])
                && !item.is_empty()
            {
                let help = "write a space after the dash".to_owned();
                repairs.push(Repair::one(dash(), help, dash(), "- "));
            }
            let named = FIELDS
                .iter()
                .find_map(|name| Some((name, begins_with(field, name)?)));
            if let Some((name, after)) = named {
                let value = after.trim_start();
                if let Some(value) = value.strip_prefix(':') {
                    if !value.is_empty() && !value.starts_with(' ') {
                        let help = format!("write a space after {name}:");
                        let by = format!("{name}: {value}");
                        repairs.push(Repair::one(at(field), help, at(field), &by));
                    }
                } else {
                    let by = format!("{name}: {value}");
                    let help = format!("write {}", by.trim_end());
                    repairs.push(Repair::one(at(field), help, at(field), &by));
                }
            }
            let is_principal = |name: &str| begins_with(field, name).is_some();
            if item.is_none()
                && entries == Some(indent)
                && ["rolearn", "userarn"].into_iter().any(is_principal)
            {
                let by = format!("- {field}");
                let help = format!("begin the entry with a dash: {by}");
                repairs.push(Repair::one(at(field), help, at(field), &by));
            }
            if let Some(arn) = arn_without_key(field) {
                let key = match section.name() {
                    SectionName::Users => "userarn",
                    _ => "rolearn",
                };
                let by = format!("{key}: {arn}");
                let help = format!("write {key}: before the ARN: {by}");
                repairs.push(Repair::one(at(field), help, at(field), &by));
            }
            let is_group = !field.is_empty() && !is_field(field) && !field.starts_with('#');
            if item.is_none() && is_group && groups == Some(indent) {
                let by = format!("- {field}");
                let help = format!("begin the group with a dash: {by}");
                repairs.push(Repair::one(at(field), help, at(field), &by));
            }
            if item.is_some()
                && fields == Some(indent)
                && !is_field(field)
                && !previous.ends_with(':')
                && !has_groups
            {
                let help = "write groups: on a line of its own before this one".to_owned();
                let by = format!("groups:\n{}-", " ".repeat(indent));
                repairs.push(Repair::one(dash(), help, dash(), &by));
            }
        }
        if is_field(field) {
            has_groups = field == "groups:";
        }
        if item.is_some() {
            groups = (!is_field(field)).then_some(indent);
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
    repairs
}

/// Returns the ARN, with its quotes, if there is one instead of a field or after a colon without a key.
fn arn_without_key(field: &str) -> Option<&str> {
    let value = field.strip_prefix(':').unwrap_or(field).trim_start();
    let is_arn = value.trim_start_matches(['"', '\'']).starts_with("arn:");
    is_arn.then_some(value)
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

/// Finds the indentation of an entry or field that differs from earlier ones, on the line where the parser failed or the one
/// before it. Corrects this line, or also the next ones.
fn misaligned(section: &Section, line: usize) -> Vec<Repair> {
    let Some((span, expected, kind)) = misaligned_line(section, line) else {
        return Vec::new();
    };
    // States a difference rather than a column, because in a manifest the whole section is indented further.
    let indent = span.end() - span.start();
    let (change, spaces) = match expected > indent {
        true => ("add", expected - indent),
        false => ("remove", indent - expected),
    };
    let s = if spaces == 1 { "" } else { "s" };
    let rest = section.text().and_then(|text| text.get(span.start()..));
    let mut edits: Vec<(Span, String)> = Vec::new();
    let mut start = span.start();
    let mut repairs = Vec::new();
    for content in rest.unwrap_or_default().split_inclusive('\n') {
        let own = content.len() - content.trim_start_matches(' ').len();
        let item = content[own..].strip_prefix('-');
        let is_entry = item.is_some_and(|item| is_field(item.trim_start_matches(' ')));
        let is_next_entry = !edits.is_empty() && own <= indent && is_entry;
        if own < indent || is_next_entry || edits.len() > MAX_MOVED {
            break;
        }
        let new = own - indent + expected;
        edits.push((Span::new(start, start + own), " ".repeat(new)));
        start += content.len();
        let lines = match edits.len() {
            1 => "this line".to_owned(),
            2 => "this line and the next one".to_owned(),
            count => format!("this line and the next {}", count - 1),
        };
        repairs.push(Repair {
            span,
            help: format!("indent {lines} like the other {kind}: {change} {spaces} space{s}"),
            edits: edits.clone(),
        });
    }
    repairs
}

/// Returns the indentation of an entry or field if it differs from earlier ones, the expected number of spaces, and `entries` or
/// `fields`. Looks at the line where the parser failed and the one before it.
fn misaligned_line(section: &Section, line: usize) -> Option<(Span, usize, &'static str)> {
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

/// The maximum number of lines that are indented together.
const MAX_MOVED: usize = 12;

/// Returns whether a line begins with a field name and a colon.
fn is_field(line: &str) -> bool {
    let name = line.trim_start_matches(['"', '\'']);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let after = end.map_or("", |end| name[end..].trim_start_matches(['"', '\'', ' ']));
    let rest = after.strip_prefix(':');
    end.is_some_and(|end| end > 0)
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '\r']))
}
