//! Guesses the cause of a syntax error.

use super::error::Cause;
use super::find_aws_auth::{self, find_object};
use super::invalid_fields::{FIELDS, METADATA};
use crate::document::ENTRY_FIELDS;
use crate::document::SectionName;
use crate::indentation::{is_correct, moves};
use goyaml::edit::lines::line_at;
use goyaml::edit::span_tree::NodeId;

/// Returns the most likely cause of a syntax error at this line, from 1.
pub(super) fn likely_cause(text: &str, line: usize) -> Cause {
    let lines = lines(text);
    // The reader reports the position of the error or the start of the next token.
    let near = &lines[line.saturating_sub(3).min(lines.len())..line.min(lines.len())];
    if let Some(at) = near.iter().rposition(|line| is_line_of_template(line)) {
        return Cause::Template {
            line: line.saturating_sub(3) + at + 1,
        };
    }
    if let Some(at) = lines.iter().position(|line| is_conflict_marker(line)) {
        return Cause::Edit {
            line: at + 1,
            help: "resolve the merge conflict, and remove the marks of Git".to_owned(),
        };
    }
    let begins_with_tab = |line: &&str| line.trim_start_matches(' ').starts_with('\t');
    if let Some(at) = lines.iter().position(begins_with_tab) {
        return Cause::Edit {
            line: at + 1,
            help: "indent this line with spaces; it begins with a tab".to_owned(),
        };
    }
    if lines.iter().any(|line| line.starts_with("Name:"))
        && let Some(at) = lines.iter().position(|line| line.trim_end() == "====")
    {
        return Cause::Edit {
            line: at + 1,
            help: "write the output of `kubectl -n kube-system get configmap aws-auth -o yaml` to the file; this is the output of `kubectl describe`".to_owned(),
        };
    }
    let not_indented = not_indented(&lines);
    if text.len() > MAX_TEXT {
        return not_indented.unwrap_or(Cause::Unknown);
    }
    let edit = edit(text, &lines, line);
    match (edit, not_indented) {
        (Some(edit), Some(cause)) if edit.is_all(&lines) => return cause,
        (Some(Edit { cause, .. }), _) | (None, Some(cause)) => return cause,
        (None, None) => {}
    }
    if let Some(at) = lines.iter().position(|line| is_line_of_template(line)) {
        return Cause::Template { line: at + 1 };
    }
    let has_key = lines.iter().any(|line| is_key(line));
    embedded(&lines)
        .or_else(|| prefixed(&lines))
        .unwrap_or(match has_key {
            true => Cause::Unknown,
            false => Cause::NoManifest,
        })
}

/// A change that makes the file valid, and how many lines it changes.
struct Edit {
    /// The first of these lines, from 0.
    first: usize,
    count: usize,
    cause: Cause,
}

impl Edit {
    /// Returns whether it changes all lines below the key of a section.
    fn is_all(&self, lines: &[&str]) -> bool {
        let Some(key) = self.first.checked_sub(1).map(|key| lines[key]) else {
            return false;
        };
        let is_below = lines.get(self.first + self.count).is_some_and(|below| {
            indent(below) > indent(key) || below.trim_start().starts_with('-')
        });
        opens_section(key.trim_start_matches(' ')) && !is_below
    }
}

/// Returns whether a line is a mark that Git leaves at a conflict.
fn is_conflict_marker(line: &str) -> bool {
    line.trim_end() == "=======" || line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")
}

/// Finds a text before each line that a diff, a mail or a pager added.
fn prefixed(lines: &[&str]) -> Option<Cause> {
    const PREFIXES: [&str; 6] = ["+ ", "+", "> ", ">", "| ", "|"];
    let number = |line: &str| {
        let line = line.trim_start();
        let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        digits > 0
    };
    let is_text = |line: &&&str| !line.trim().is_empty();
    let first = lines.iter().find(is_text)?;
    let all = |test: &dyn Fn(&str) -> bool| lines.iter().filter(is_text).all(|line| test(line));
    let line = lines.iter().position(|line| !line.trim().is_empty())? + 1;
    for prefix in PREFIXES {
        if !all(&|line| line.starts_with(prefix)) {
            continue;
        }
        let without = lines
            .iter()
            .map(|line| line.strip_prefix(prefix).unwrap_or(line));
        if is_correct_manifest(&without.collect::<Vec<_>>().join("\n")) {
            let prefix = prefix.trim();
            let help = format!("remove the {prefix} at the start of each line");
            return Some(Cause::Edit { line, help });
        }
    }
    if all(&number) && first.trim_start().starts_with('1') {
        let help = "remove the line numbers".to_owned();
        return Some(Cause::Edit { line, help });
    }
    None
}

/// The maximum length in bytes of a file for which corrections are tried.
const MAX_TEXT: usize = 1 << 14;

/// How many lines of a file may be removed. A file with more of them is a script or a page.
const MAX_STRAY: usize = 3;

/// Returns whether a line begins a manifest or a part of it.
fn is_key(line: &str) -> bool {
    let content = line.trim_start_matches(|c: char| c.is_whitespace() || "{[-\"'".contains(c));
    let begins_with = |key: &str| content.starts_with(key);
    SectionName::ALL
        .into_iter()
        .any(|name| begins_with(name.key()))
        || ENTRY_FIELDS.into_iter().any(begins_with)
        || FIELDS.into_iter().any(begins_with)
}

/// Finds a manifest between other lines, such as those of a shell script.
fn embedded(lines: &[&str]) -> Option<Cause> {
    const STARTS: [&str; 2] = ["apiVersion:", "kind:"];
    let mut from = 0;
    loop {
        let is_start = |line: &&str| STARTS.iter().any(|key| line.trim_start().starts_with(key));
        let first = from + lines[from..].iter().position(is_start)?;
        let indent = indent(lines[first]);
        let rest = &lines[first..];
        let count = rest
            .iter()
            .position(|line| is_end(line, indent))
            .unwrap_or(rest.len());
        let count = rest[..count]
            .iter()
            .rposition(|line| !line.trim().is_empty())
            .map_or(1, |last| last + 1);
        from = first + count;
        if first == 0 && from == lines.len() {
            return None;
        }
        if !is_correct_manifest(&rest[..count].join("\n")) {
            continue;
        }
        let is_text = |line: &&&str| {
            let content = line.trim();
            !content.is_empty() && !content.starts_with('#') && content != "---"
        };
        let above = lines[..first].iter().filter(is_text).count();
        let below = lines[from..].iter().filter(is_text).count();
        let last = |lines: &[&str]| lines.iter().rposition(|line| !line.trim().is_empty());
        return Some(match (above, below) {
            (1..=MAX_STRAY, 0) => Cause::Stray {
                line: lines.iter().position(|line| is_text(&line))? + 1,
                last: lines[..first].iter().rposition(|line| is_text(&line))? + 1,
            },
            (0, 1..=MAX_STRAY) => Cause::Stray {
                line: from
                    + lines[from..]
                        .iter()
                        .position(|line| !line.trim().is_empty())?
                    + 1,
                last: from + last(&lines[from..])? + 1,
            },
            _ => Cause::Embedded {
                line: first + 1,
                last: from,
            },
        });
    }
}

/// Returns whether a line ends a manifest whose first line has this indentation: the end of a here-document or of a code block,
/// or prose.
fn is_end(line: &str, indentation: usize) -> bool {
    let content = line.trim();
    let is_word = |c: char| c.is_ascii_uppercase() || c == '_';
    if content.is_empty() || content.starts_with('#') {
        return false;
    }
    if content.starts_with("```") || (content.len() > 1 && content.chars().all(is_word)) {
        return true;
    }
    let word = content.split(' ').next().unwrap_or_default();
    let is_yaml = content.starts_with(['-', '{', '}', '[', ']', '\'', '"']) || word.contains(':');
    indent(line) < indentation || (indent(line) == indentation && !is_yaml)
}

/// Finds a change of a line that makes the file valid.
fn edit(text: &str, lines: &[&str], line: usize) -> Option<Edit> {
    let near = line.saturating_sub(4)..line.min(lines.len());
    for number in near.rev() {
        for (new, help) in field_edits(lines[number]) {
            let mut edited = lines.to_vec();
            edited[number] = &new;
            if is_correct_manifest(&edited.join("\n")) {
                let line = number + 1;
                let cause = Cause::Edit { line, help };
                return Some(Edit {
                    first: number,
                    count: 1,
                    cause,
                });
            }
        }
    }
    let with_breaks: Vec<&str> = text.split_inclusive('\n').collect();
    let mut starts = Vec::new();
    for (number, content) in with_breaks.iter().enumerate() {
        if SectionName::ALL
            .into_iter()
            .any(|name| content.trim_start().starts_with(name.key()))
        {
            starts.extend(Some(number + 1).filter(|at| *at < with_breaks.len()));
        }
    }
    let moved = moves(&with_breaks, line, &starts, false)
        .into_iter()
        .find(|moved| is_correct_manifest(&moved.apply(&with_breaks)))?;
    let cause = Cause::Edit {
        line: moved.first + 1,
        help: moved.help(),
    };
    Some(Edit {
        first: moved.first,
        count: moved.count,
        cause,
    })
}

/// Returns corrections of a line whose key lacks a colon or a space, or whose dash lacks a space.
fn field_edits(line: &str) -> Vec<(String, String)> {
    let content = line.trim_start_matches(' ');
    let spaces = &line[..line.len() - content.len()];
    let mut edits = Vec::new();
    let section = SectionName::ALL
        .into_iter()
        .find(|name| content.starts_with(name.key()));
    if let Some(name) = section.filter(|_| !opens_section(content)) {
        let new = format!("{}: |", name.key());
        edits.push((format!("{spaces}{new}"), format!("write {new}")));
    }
    if let Some(item) = content.strip_prefix('-')
        && !item.starts_with([' ', '-'])
        && !item.is_empty()
    {
        let help = "write a space after the dash".to_owned();
        edits.push((format!("{spaces}- {item}"), help));
    }
    let (dash, field) = match content.strip_prefix("- ") {
        Some(field) => ("- ", field.trim_start_matches(' ')),
        None => ("", content),
    };
    let is_name = |name: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        !name.is_empty() && name.chars().all(is_part)
    };
    match field.split_once(':') {
        Some((name, value)) if is_name(name) && !value.is_empty() && !value.starts_with(' ') => {
            let help = format!("write a space after {name}:");
            edits.push((format!("{spaces}{dash}{name}: {value}"), help));
        }
        _ => {
            let (name, value) = field.split_once(' ').unwrap_or((field, ""));
            let value = value.trim();
            let is_known = ENTRY_FIELDS.contains(&name)
                || FIELDS.contains(&name)
                || METADATA.contains(&name)
                || SectionName::ALL
                    .into_iter()
                    .any(|section| section.key() == name);
            if is_known {
                let new = format!("{dash}{name}: {value}");
                edits.push((
                    format!("{spaces}{new}"),
                    format!("write {}", new.trim_end()),
                ));
            }
        }
    }
    edits
}

/// Returns whether a text has an aws-auth with all sections that its lines name, each with complete entries.
fn is_correct_manifest(text: &str) -> bool {
    let Ok(tree) = goyaml::edit::read(text) else {
        return false;
    };
    let data = find_object(&tree)
        .ok()
        .and_then(|object| tree.get(object, "data"));
    let Some(data) = data else {
        return false;
    };
    // A change must not move a field out of its entry, or a section out of data.
    let is_part = |key: &str| ENTRY_FIELDS.contains(&key);
    let has_part = |of: NodeId| {
        let keys = tree
            .pairs(of)
            .iter()
            .filter_map(|pair| tree.scalar(pair.key));
        keys.into_iter().any(is_part)
    };
    let object = find_object(&tree).ok();
    if has_part(data.value) || object.is_some_and(has_part) {
        return false;
    }
    let is_named = |name: &SectionName| {
        text.lines().any(|line| {
            let rest = line.trim_start().strip_prefix(name.key());
            rest.is_some_and(|rest| rest.starts_with(':'))
        })
    };
    let mut sections = SectionName::ALL.into_iter().filter(is_named);
    sections.all(|name| {
        tree.get(data.value, name.key()).is_some_and(|pair| {
            let is_text = find_aws_auth::not_text(&tree, pair.value).is_none();
            let text = tree.scalar(pair.value).unwrap_or_default();
            is_text && (name == SectionName::Accounts || is_correct(name, text))
        })
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Returns whether a template engine such as Helm or Jinja must render the file first. Ignores `{{` inside the text of a section,
/// where it may be a placeholder of the authenticator or a mistake.
pub fn is_template(text: &str) -> bool {
    let mut within = None;
    lines(text).into_iter().any(|line| {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if within.is_some_and(|key| content.is_empty() || indent > key) {
            return false;
        }
        within = opens_section(content).then_some(indent);
        is_line_of_template(line)
    })
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut line = line_at(text, 0);
    while line.next > line.start {
        lines.push(&text[line.start..line.end]);
        line = line_at(text, line.next);
    }
    lines
}

/// Returns whether a line has template text of Helm, Jinja or the like. `{{EC2PrivateDNSName}}` and similar placeholders
/// belong to the authenticator.
fn is_line_of_template(line: &str) -> bool {
    const OWN: [&str; 5] = [
        "{{EC2PrivateDNSName",
        "{{AccountID",
        "{{SessionName",
        "{{AccessKeyID",
        "{{ }}",
    ];
    let braces = line
        .match_indices("{{")
        .any(|(at, _)| !OWN.iter().any(|own| line[at..].starts_with(own)));
    braces || line.trim_start().starts_with("{%")
}

/// Finds a section whose key ends in `|` and whose text is not indented deeper than the key.
fn not_indented(lines: &[&str]) -> Option<Cause> {
    for (number, line) in lines.iter().enumerate() {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if !opens_section(content) {
            continue;
        }
        let below = lines[number + 1..]
            .iter()
            .find(|line| !line.trim().is_empty())?;
        let below_content = below.trim_start_matches(' ');
        if below_content.starts_with('-') && below.len() - below_content.len() <= indent {
            let (key, _) = content.split_once(':')?;
            return Some(Cause::NotIndented {
                key: key.to_owned(),
                line: number + 1,
            });
        }
    }
    None
}

/// Returns whether the line is the key of a section with `|`, so that its text begins below.
fn opens_section(content: &str) -> bool {
    content.split_once(':').is_some_and(|(key, rest)| {
        let is_section = SectionName::ALL.iter().any(|name| name.key() == key);
        is_section && rest.trim_start().starts_with(['|', '>'])
    })
}
