//! Recognizes the syntax of template engines such as Helm and Jinja, which must render a file before anything can read it.

use std::ops::Range;

/// The words with which a Helm or Jinja action can begin. Other actions are recognized by punctuation.
const WORDS: [&str; 14] = [
    "if", "else", "end", "range", "with", "define", "include", "template", "block", "toYaml",
    "tpl", "printf", "lookup", "default",
];

/// An action of a template engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Line in the text, from 1.
    pub line: usize,
    pub text: String,
}

/// Returns the first Helm or Jinja action outside of comments.
///
/// `{{SessionName}}` and the other placeholders of the authenticator are not actions, nor is any other `{{word}}`.
pub fn first_action(text: &str) -> Option<Action> {
    text.lines().enumerate().find_map(|(index, line)| {
        let is_comment = line.trim_start().starts_with('#');
        let range = action(line).filter(|_| !is_comment)?;
        Some(Action {
            line: index + 1,
            text: line[range].to_owned(),
        })
    })
}

/// Returns the first action in a line.
fn action(line: &str) -> Option<Range<usize>> {
    let until = |start: usize, close: &str| {
        let end = line[start..].find(close);
        start..end.map_or(line.len(), |end| start + end + close.len())
    };
    let starts = line.match_indices("{{").map(|(start, _)| start);
    // Each ends at the next `{{` or `}}`, so that many of them take linear time.
    let insides = line.split("{{").skip(1);
    let insides = insides.map(|rest| rest.split("}}").next().unwrap_or_default());
    let mut expressions = starts.zip(insides);
    let expression = expressions.find(|(_, inside)| is_action(inside));
    expression
        .map(|(start, _)| until(start, "}}"))
        .or_else(|| Some(until(line.find("{%")?, "%}")))
}

fn is_action(inside: &str) -> bool {
    let inside = inside.trim();
    let word = inside
        .split(|end: char| !end.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    inside.starts_with(['.', '-', '$', '/', '"', '`', '\'', '('])
        || inside.ends_with('-')
        || inside.contains(['|', '('])
        || WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_distinguished_from_placeholders() {
        for (text, expected) in [
            ("a: {{ .Values.a }}", Some("{{ .Values.a }}")),
            ("{{- if .Values.a }}", Some("{{- if .Values.a }}")),
            (
                "{{- include \"a\" . | indent 4 }}",
                Some("{{- include \"a\" . | indent 4 }}"),
            ),
            ("b\na: {{ $x }}", Some("{{ $x }}")),
            ("{% for a in b %}", Some("{% for a in b %}")),
            ("a: {{ b | default('c') }}", Some("{{ b | default('c') }}")),
            (r#"{{ "{{" }}SessionName{{ "}}" }}"#, Some(r#"{{ "{{" }}"#)),
            ("u: system:node:{{EC2PrivateDNSName}}", None),
            ("u: {{ SessionName }}", None),
            ("u: {{ role_arn }}", None),
            ("# {{ .Values.a }}", None),
        ] {
            let found = first_action(text).map(|action| action.text);
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
