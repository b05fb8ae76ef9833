use super::error::Cause;
use crate::document::SectionName;
use crate::written::lines::line_at;

/// What a syntax error found at this line, from 1, most likely comes from.
pub(super) fn likely_cause(text: &str, line: usize) -> Cause {
    let lines = lines(text);
    // The reader gives up at the place of the error or at the beginning of the next token.
    let near = &lines[line.saturating_sub(3).min(lines.len())..line.min(lines.len())];
    if let Some(at) = near.iter().rposition(|line| is_line_of_template(line)) {
        return Cause::Template {
            line: line.saturating_sub(3) + at + 1,
        };
    }
    if let Some(cause) = not_indented(&lines) {
        return cause;
    }
    match lines.iter().position(|line| is_line_of_template(line)) {
        Some(at) => Cause::Template { line: at + 1 },
        None => Cause::Unknown,
    }
}

/// Whether Helm, Jinja or the like has to render it first: what they fill in stands outside the text of a section, where `{{` may be
/// what the authenticator fills in, or a slip.
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

/// Helm, Jinja and the like; `{{EC2PrivateDNSName}}` and its kin belong to the authenticator.
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

/// A section whose key ends in `|` and whose text does not stand deeper than the key.
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

/// Whether the text of a section begins below this line: its key and `|`.
fn opens_section(content: &str) -> bool {
    content.split_once(':').is_some_and(|(key, rest)| {
        let is_section = SectionName::ALL.iter().any(|name| name.key() == key);
        is_section && rest.trim_start().starts_with(['|', '>'])
    })
}
