//! Reads JSON into a tree. kubectl reads a file that starts with `{` as JSON, in which strings may contain `\/` and
//! escaped surrogate pairs; YAML rejects both.

use serde_json::value::RawValue;

use super::span_tree::{Kind, Node, NodeId, ReadError, Style, Tree};
use crate::go_json::MAX_DEPTH;

/// Reads one JSON value, or several one after another.
pub(super) fn read(text: &str) -> Result<Tree, ReadError> {
    let mut reader = Reader {
        text,
        tree: Tree::new(true),
        counted: (0, 1),
    };
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| reader.syntax_error(&error, 0))?;
        reader.add(value)?;
    }
    Ok(reader.tree)
}

struct Reader<'t> {
    text: &'t str,
    tree: Tree,
    /// The offset up to which line breaks are counted, and the line number there.
    counted: (usize, usize),
}

impl<'t> Reader<'t> {
    /// Adds a syntactically valid value and everything in it. It does not recurse: a file can nest values more deeply
    /// than the stack allows.
    fn add(&mut self, value: &'t RawValue) -> Result<(), ReadError> {
        let mut at = value.get().as_ptr() as usize - self.text.as_ptr() as usize;
        let end = at + value.get().len();
        // The open collections. For an object, also the key that has no value yet.
        let mut open: Vec<(NodeId, Option<NodeId>)> = Vec::new();
        let mut root = None;
        while at < end {
            let rest = &self.text[at..end];
            let (length, kind) = match rest.as_bytes()[0] {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => {
                    at += 1;
                    continue;
                }
                b'}' | b']' => {
                    at += 1;
                    if let Some((id, _)) = open.pop() {
                        self.tree.node_mut(id).span.end = at;
                    }
                    continue;
                }
                b'{' | b'[' if open.len() == MAX_DEPTH => {
                    let problem = format!("exceeded max depth of {MAX_DEPTH}");
                    let line = self.line(at);
                    return Err(self.error(problem, line));
                }
                b'{' => {
                    let pairs = Vec::new();
                    (1, Kind::Mapping { flow: true, pairs })
                }
                b'[' => {
                    let items = Vec::new();
                    (1, Kind::Sequence { flow: true, items })
                }
                b'"' => {
                    let quoted = &rest[..string_length(rest)];
                    let value = serde_json::from_str(quoted)
                        .map_err(|error| self.syntax_error(&error, at))?;
                    let style = Style::Double;
                    (quoted.len(), Kind::Scalar { value, style })
                }
                _ => {
                    let length = rest.find([' ', '\t', '\r', '\n', ',', '}', ']']);
                    let plain = &rest[..length.unwrap_or(rest.len())];
                    let (value, style) = (plain.to_owned(), Style::Plain);
                    (plain.len(), Kind::Scalar { value, style })
                }
            };
            let opens = matches!(kind, Kind::Mapping { .. } | Kind::Sequence { .. });
            let line = self.line(at);
            let id = self.tree.add(Node {
                span: at..at + length,
                line,
                column: 0,
                dash: None,
                property: None,
                kind,
            });
            match open.last_mut() {
                None => root = Some(id),
                Some((parent, key)) => {
                    let attached = self.tree.attach(*parent, key, id);
                    attached.map_err(|problem| self.error(problem.to_owned(), line))?;
                }
            }
            if opens {
                open.push((id, None));
            }
            at += length;
        }
        self.tree.roots.extend(root);
        Ok(())
    }

    /// Returns the line of an offset. Offsets must not decrease between calls.
    fn line(&mut self, offset: usize) -> usize {
        let (from, line) = self.counted;
        let line = line + breaks(&self.text[from..offset]);
        self.counted = (offset, line);
        line
    }

    fn syntax_error(&self, error: &serde_json::Error, start: usize) -> ReadError {
        let message = error.to_string();
        let problem = message.split(" at line ").next().unwrap_or(&message);
        let line = 1 + breaks(&self.text[..start]) + error.line().saturating_sub(1);
        self.error(problem.to_owned(), line)
    }

    fn error(&self, problem: String, line: usize) -> ReadError {
        ReadError {
            format: "JSON",
            problem,
            line,
            document: self.tree.roots.len(),
        }
    }
}

/// Returns the length of the string that the text starts with, including its quotes.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

fn breaks(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}
