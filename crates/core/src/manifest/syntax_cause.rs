//! Guesses the cause of a syntax error.

use super::error::Cause;
use crate::document::SectionName;
use goyaml::edit::lines::line_at;

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
    if let Some(cause) = not_indented(&lines) {
        return cause;
    }
    if let Some(at) = lines.iter().position(|line| is_line_of_template(line)) {
        return Cause::Template { line: at + 1 };
    }
    match stray_line(&lines, line) {
        Some(at) => Cause::Stray { line: at + 1 },
        None => Cause::Unknown,
    }
}

/// Finds a line of prose or of a shell above the first object, or the end of a here-document, near an error at this line, from 1.
fn stray_line(lines: &[&str], line: usize) -> Option<usize> {
    const KEYS: [&str; 4] = ["apiVersion:", "kind:", "metadata:", "data:"];
    const ENDS: [&str; 5] = ["EOF", "EOT", "END", "YAML", "```"];
    let is_key = |content: &&str| KEYS.iter().any(|key| content.starts_with(key));
    let is_prose = |content: &&str| {
        let word = content.split(' ').next().unwrap_or_default();
        !content.trim().is_empty()
            && !content.starts_with(['#', '%', '{', '[', '-', ' ', '\t'])
            && !word.ends_with(':')
    };
    if let Some(first) = lines.iter().position(is_key)
        && line <= first + 3
        && let Some(at) = lines[..first].iter().position(is_prose)
    {
        return Some(at);
    }
    let end = line.min(lines.len());
    let is_end = |at: &usize| ENDS.contains(&lines[*at].trim_end());
    (line.saturating_sub(2)..end).find(is_end)
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
