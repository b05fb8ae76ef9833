//! JSONPath in kubectl's dialect: <https://kubernetes.io/docs/reference/kubectl/jsonpath/>
//!
//! Paths are rewritten to those of RFC 9535, which a library evaluates. Templates are kubectl's own.

use std::fmt::Write;
use std::str::FromStr;

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::Value;

use awsauth_core::escape::{json, one_line};

/// Why a path or template is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonPathError {
    #[error("a template needs braces, as in '{{.roles[*].arn}}'")]
    NoBraces,
    #[error("{{ without }}")]
    Open,
    #[error("{{range}} without {{end}}")]
    NoEnd,
    #[error("{{end}} without {{range}}")]
    NoRange,
    #[error("{0} is not a JSONPath such as .roles[*].arn")]
    Path(String),
}

/// A path to values.
#[derive(Clone, Debug)]
pub(crate) struct JsonPath(JpQuery);

/// A template: text, paths in braces, and ranges.
#[derive(Clone, Debug)]
pub(crate) struct JsonPathTemplate(Vec<Node>);

#[derive(Clone, Debug)]
enum Node {
    Text(String),
    Path(JsonPath),
    Range(JsonPath, Vec<Self>),
}

impl JsonPath {
    /// Returns the values that the path selects.
    pub(super) fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let found = js_path_process(&self.0, value).unwrap_or_default();
        found.into_iter().map(|found| found.val()).collect()
    }
}

impl FromStr for JsonPath {
    type Err = JsonPathError;

    /// Parses a path with or without braces and first dot.
    fn from_str(text: &str) -> Result<Self, JsonPathError> {
        let bare = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let bare = bare.unwrap_or(text).trim();
        let invalid = || JsonPathError::Path(text.to_owned());
        let path = match bare.chars().next() {
            None => return Err(invalid()),
            Some('.' | '[' | '$' | '@') => bare.to_owned(),
            Some(_) => format!(".{bare}"),
        };
        let standard = standard(&path).ok_or_else(invalid)?;
        let parsed = parse_json_path(&standard).map_err(|_| invalid())?;
        Ok(Self(parsed))
    }
}

/// Rewrites a kubectl path to an RFC 9535 path, in which names may contain any character.
fn standard(path: &str) -> Option<String> {
    let mut rest = path.strip_prefix(['$', '@']).unwrap_or(path);
    let mut standard = "$".to_owned();
    while let Some(first) = rest.chars().next() {
        if first == '[' {
            let end = closing_bracket(rest)?;
            standard.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let after = rest.strip_prefix('.')?;
        let (is_deep, after) = match after.strip_prefix('.') {
            Some(after) => (true, after),
            None => (false, after),
        };
        if is_deep {
            standard.push_str("..");
        }
        let (name, left) = name(after);
        match name.as_str() {
            "" if left.starts_with('[') => {}
            // The path `.` is the whole value.
            "" if left.is_empty() && standard == "$" => {}
            "" => return None,
            "*" => standard.push_str(if is_deep { "*" } else { ".*" }),
            name => {
                let _ = write!(standard, "[{}]", Value::from(name));
            }
        }
        rest = left;
    }
    Some(standard)
}

/// Splits off a name, in which a backslash escapes the next character.
fn name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '.' | '[' => return (name, &text[at..]),
            '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
            c => name.push(c),
        }
    }
    (name, "")
}

/// Returns the offset after the bracket that closes the one at the start.
fn closing_bracket(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => drop(chars.next()),
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            (None, _) => {}
        }
    }
    None
}

impl FromStr for JsonPathTemplate {
    type Err = JsonPathError;

    fn from_str(text: &str) -> Result<Self, JsonPathError> {
        if !text.contains('{') {
            return Err(JsonPathError::NoBraces);
        }
        // The nodes outside of ranges, then those of each open range, with its path.
        let mut open: Vec<(Option<JsonPath>, Vec<Node>)> = vec![(None, Vec::new())];
        let mut rest = text;
        while !rest.is_empty() {
            let (outside, inside) = rest.split_once('{').unwrap_or((rest, ""));
            let mut nodes = Vec::new();
            if !outside.is_empty() {
                nodes.push(Node::Text(outside.to_owned()));
            }
            let has_braces = outside.len() < rest.len();
            let mut closed = None;
            rest = "";
            if has_braces {
                let end = closing_brace(inside).ok_or(JsonPathError::Open)?;
                rest = &inside[end + 1..];
                let expression = inside[..end].trim();
                if let Some(path) = expression.strip_prefix("range ") {
                    if let Some((_, last)) = open.last_mut() {
                        last.append(&mut nodes);
                    }
                    open.push((Some(path.trim().parse()?), Vec::new()));
                } else if expression == "end" {
                    closed = Some(());
                } else if let Some(text) = quoted(expression) {
                    nodes.push(Node::Text(text));
                } else {
                    nodes.push(Node::Path(expression.parse()?));
                }
            }
            if let Some((_, last)) = open.last_mut() {
                last.append(&mut nodes);
            }
            if closed.is_some() {
                let Some((Some(path), body)) = open.pop() else {
                    return Err(JsonPathError::NoRange);
                };
                if let Some((_, last)) = open.last_mut() {
                    last.push(Node::Range(path, body));
                }
            }
        }
        match open.pop() {
            Some((None, nodes)) => Ok(Self(nodes)),
            _ => Err(JsonPathError::NoEnd),
        }
    }
}

/// Returns the offset of the brace that ends an expression.
fn closing_brace(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (_, '\\') => drop(chars.next()),
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '}') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns the text in quotes, with its escapes resolved.
fn quoted(expression: &str) -> Option<String> {
    let quote = expression
        .chars()
        .next()
        .filter(|c| ['\'', '"'].contains(c))?;
    let inner = expression.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => text.extend(chars.next().map(|escaped| match escaped {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            })),
            (c, false) => text.push(c),
        }
    }
    Some(text)
}

impl JsonPathTemplate {
    /// Fills the template in. A path that selects nothing becomes an empty string. Invisible characters of values are escaped.
    pub(crate) fn render(&self, value: &Value) -> String {
        let mut text = String::new();
        render(&self.0, value, &mut text);
        text
    }
}

fn render(nodes: &[Node], value: &Value, out: &mut String) {
    for node in nodes {
        match node {
            Node::Text(literal) => out.push_str(literal),
            Node::Path(path) => {
                let found: Vec<_> = path.find(value).into_iter().map(text).collect();
                out.push_str(&one_line(&found.join(" ")));
            }
            Node::Range(path, body) => {
                for item in path.find(value) {
                    render(body, item, out);
                }
            }
        }
    }
}

/// Returns a string without quotes, and any other value as JSON without invisible characters.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => json(&other.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The example from kubectl's documentation, shortened.
    fn example() -> Value {
        json!({
            "kind": "List",
            "items": [
                {"kind": "None", "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "127.0.0.1"}},
                 "status": {"capacity": {"cpu": "4"}}},
                {"kind": "None", "metadata": {"name": "127.0.0.2"}, "status": {"capacity": {"cpu": "8"}}},
            ],
            "users": [
                {"name": "myself", "user": {}},
                {"name": "e2e", "user": {"username": "admin", "password": "secret"}},
            ],
            "ratio": 1.5, "none": null,
        })
    }

    #[test]
    fn templates_render_as_in_kubectl() {
        for (template, expected) in [
            ("{.kind}", "List"),
            ("the object is {.kind}", "the object is List"),
            ("{['kind']}", "List"),
            ("{..name}", "127.0.0.1 127.0.0.2 myself e2e"),
            ("{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"),
            ("{.users[0].name}", "myself"),
            ("{.users[-1].name}", "e2e"),
            ("{.users[0:1].name}", "myself"),
            ("{.users[?(@.name==\"e2e\")].user.password}", "secret"),
            (
                "{range .items[*]}[{.metadata.name}, {.status.capacity.cpu}] {end}",
                "[127.0.0.1, 4] [127.0.0.2, 8] ",
            ),
            (
                "{range .items[*]}{.metadata.name}{'\\t'}{.status.capacity.cpu}{\"\\n\"}{end}",
                "127.0.0.1\t4\n127.0.0.2\t8\n",
            ),
            (
                "{.items[*].metadata.labels.kubernetes\\.io/hostname}",
                "127.0.0.1",
            ),
            (
                "{.items[0].metadata.labels['kubernetes.io/hostname']}",
                "127.0.0.1",
            ),
            ("{.missing.field}", ""),
            ("{.ratio} {.none} {.users[0].user}", "1.5 null {}"),
            ("{@.kind}{$.kind}", "ListList"),
            ("{.users[*]['name']}", "myself e2e"),
        ] {
            let parsed: JsonPathTemplate = template.parse().unwrap();
            assert_eq!(parsed.render(&example()), expected, "{template}");
        }
    }

    #[test]
    fn invalid_template_has_a_reason() {
        let path = |text: &str| JsonPathError::Path(text.to_owned());
        for (template, error) in [
            (".kind", JsonPathError::NoBraces),
            ("{.kind", JsonPathError::Open),
            ("{range .items[*]}{.kind}", JsonPathError::NoEnd),
            ("{.kind}{end}", JsonPathError::NoRange),
            ("{}", path("")),
            ("{.items[}", path(".items[")),
            ("{.items...name}", path(".items...name")),
            ("{.a[?(@.x=)]}", path(".a[?(@.x=)]")),
        ] {
            let parsed = template.parse::<JsonPathTemplate>();
            assert_eq!(parsed.err(), Some(error), "{template}");
        }
    }

    #[test]
    fn path_of_a_column_may_lack_braces_and_dot() {
        for path in ["kind", ".kind", "{.kind}", "{kind}", "$.kind"] {
            let parsed: JsonPath = path.parse().unwrap();
            assert_eq!(parsed.find(&example()), [&json!("List")], "{path}");
        }
    }
}
