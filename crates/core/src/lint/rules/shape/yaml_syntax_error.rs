//! If a section is not valid YAML, none of its entries has any effect.

use crate::document::{ENTRY_FIELDS, NotEditable, Section, SectionName, Span};
use crate::indentation::{is_correct, moves};
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
        } else if let Some((span, help)) = copied(section, broken.line) {
            (span, help)
        } else if let Some(repair) = best(section, broken) {
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
        self.apply(section)
            .is_some_and(|fixed| is_correct(section.name(), fixed))
    }

    /// Returns whether the corrected section is valid up to this line, from 1.
    fn postpones(&self, section: &Section, line: usize) -> bool {
        self.apply(section).is_some_and(|fixed| {
            let fixed = Section::read(section.name(), Some(fixed));
            match fixed.editable() {
                Ok(()) => true,
                Err(broken) => broken.line > line + 1,
            }
        })
    }

    /// Returns the corrected section.
    fn apply(&self, section: &Section) -> Option<String> {
        let text = section.text()?;
        let (mut fixed, mut from) = (String::with_capacity(text.len() + 16), 0);
        for (span, by) in &self.edits {
            fixed += text.get(from..span.start())?;
            fixed += by;
            from = span.end();
        }
        fixed += text.get(from..)?;
        Some(fixed)
    }
}

/// Finds what other programs made of a hyphen, a space or a quote, near the parser's error.
fn copied(section: &Section, line: usize) -> Option<(Span, String)> {
    const HTML: [(&str, &str); 6] = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ];
    let (mut start, text) = (0, section.text()?);
    for (number, content) in text.split_inclusive('\n').enumerate().take(line) {
        let rest = content.trim_start_matches(' ');
        let at = start + content.len() - rest.len();
        if number + 1 + NEAR >= line {
            if let Some(wrong) = rest.chars().next().filter(|c| DASHES.contains(c)) {
                let help = format!(
                    "write a hyphen, -, at the start of this line; {wrong} (U+{:04X}) only looks like one",
                    u32::from(wrong)
                );
                return Some((Span::new(at, at + wrong.len_utf8()), help));
            }
            if let Some(space) = rest.find(":\u{a0}") {
                let begin = at + space + 1;
                let help = "write a space after the colon; this is a no-break space".to_owned();
                return Some((Span::new(begin, begin + 2), help));
            }
            if number + 1 == line
                && let Some((html, c)) = HTML.iter().find(|(html, _)| rest.contains(html))
            {
                let begin = at + rest.find(html)?;
                let help = format!("write {c} instead of {html}");
                return Some((Span::new(begin, begin + html.len()), help));
            }
            if number + 1 == line
                && let Some(dash) = rest.find(": - ")
                && ENTRY_FIELDS.contains(&rest[..dash].trim_start_matches(['-', ' ']))
            {
                let begin = at + dash + 2;
                let help = "remove this dash".to_owned();
                return Some((Span::new(begin, begin + 1), help));
            }
        }
        start += content.len();
    }
    None
}

/// Returns the first correction that works, or else the first one that leaves only mistakes below it: the section may have several.
fn best(section: &Section, broken: &NotEditable) -> Option<Repair> {
    let line = broken.line;
    let mut repairs = malformed_fields(section, line);
    repairs.extend(misaligned(section, line));
    if let Some(at) = repairs.iter().position(|repair| repair.works(section)) {
        return Some(repairs.swap_remove(at));
    }
    moved_lines(section, line).or_else(|| {
        let mut repairs = repairs.into_iter();
        repairs.find(|repair| repair.postpones(section, line))
    })
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

/// The maximum length in bytes of a section in which lines are moved, each to several indentations.
const MAX_TEXT: usize = 1 << 14;

/// Finds lines near the parser's error that make the section valid with the indentation of another line.
fn moved_lines(section: &Section, line: usize) -> Option<Repair> {
    let text = section.text().filter(|text| text.len() <= MAX_TEXT)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let moved = moves(&lines, line, &[0], true)
        .into_iter()
        .find(|moved| is_correct(section.name(), moved.apply(&lines)))?;
    let start: usize = lines[..moved.first].iter().map(|line| line.len()).sum();
    let content = lines[moved.first];
    let end = start + content.len() - content.trim_start_matches(' ').len();
    Some(Repair {
        span: Span::new(start, end),
        help: moved.help(),
        edits: Vec::new(),
    })
}

/// Characters that look like the hyphen with which YAML begins an item, or that other programs write for it.
const DASHES: [char; 16] = [
    '‐', '‑', '‒', '–', '—', '―', '−', '﹘', '﹣', '－', '•', '◦', '▪', '●', '·', '‣',
];

/// How many lines before the parser's error a malformed field may be.
const NEAR: usize = 8;

/// Finds fields with a missing key, colon, space, dash or `groups:` line near the parser's error, and how to fix each.
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
        if (line.saturating_sub(NEAR)..=line).contains(&(number + 1)) {
            let dash = || Span::new(start + indent, start + indent + 1);
            if let Some(item) = item
                && !item.starts_with([' ', '-', '\r', '\n'])
                && !item.is_empty()
            {
                let help = "write a space after the dash".to_owned();
                repairs.push(Repair::one(dash(), help, dash(), "- "));
            }
            let named = ENTRY_FIELDS
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
            if item.is_none()
                && ENTRY_FIELDS
                    .iter()
                    .any(|name| begins_with(field, name).is_some())
            {
                let by = format!("- {field}");
                let help = format!("begin the entry with a dash: {by}");
                let mut edits = vec![(at(field), by.clone())];
                repairs.push(Repair::one(at(field), help.clone(), at(field), &by));
                if indent >= 2 {
                    let wider = Span::new(at(field).start() - 2, at(field).end());
                    repairs.push(Repair {
                        span: at(field),
                        help: help.clone(),
                        edits: vec![(wider, by.clone())],
                    });
                }
                // The first line of a block scalar has no indentation, even if a dash is missing before it.
                if text[..start].trim().is_empty() {
                    let mut next = start + content.len();
                    for below in text[next..].split_inclusive('\n') {
                        if !below.trim().is_empty() {
                            edits.push((Span::new(next, next), "  ".to_owned()));
                        }
                        next += below.len();
                    }
                    repairs.push(Repair {
                        span: at(field),
                        help,
                        edits,
                    });
                }
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
            if item.is_none() && is_group && (groups == Some(indent) || has_groups) {
                let by = format!("- {field}");
                let help = format!("begin the group with a dash: {by}");
                if indent >= 2 {
                    let wider = Span::new(at(field).start() - 2, at(field).end());
                    repairs.push(Repair {
                        span: at(field),
                        help: help.clone(),
                        edits: vec![(wider, by.clone())],
                    });
                }
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
