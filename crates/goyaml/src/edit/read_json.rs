//! Reads JSON into a tree. kubectl reads a file that starts with `{` as JSON, in which strings may contain `\/` and
//! surrogate pairs; YAML rejects both.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::tree::{Kind, Node, NodeId, Pair, ReadError, Style, Tree};

/// Reads one JSON value, or several one after another.
pub(super) fn read(text: &str) -> Result<Tree, ReadError> {
    let mut reader = Reader {
        text,
        tree: Tree::new(true),
        counted: (0, 1),
    };
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| reader.error(&error, 0))?;
        let root = reader.node(value)?;
        reader.tree.roots.push(root);
    }
    Ok(reader.tree)
}

struct Reader<'t> {
    text: &'t str,
    tree: Tree,
    /// The offset up to which lines are counted, and the line there.
    counted: (usize, usize),
}

impl<'t> Reader<'t> {
    fn node(&mut self, value: &'t RawValue) -> Result<NodeId, ReadError> {
        let raw = value.get();
        let start = raw.as_ptr() as usize - self.text.as_ptr() as usize;
        let line = self.line(start);
        let kind = match raw.as_bytes().first() {
            Some(b'{') => Kind::Mapping {
                flow: true,
                pairs: Vec::new(),
            },
            Some(b'[') => Kind::Sequence {
                flow: true,
                items: Vec::new(),
            },
            Some(b'"') => Kind::Scalar {
                value: self.decode(raw, start)?,
                style: Style::Double,
            },
            _ => Kind::Scalar {
                value: raw.to_owned(),
                style: Style::Plain,
            },
        };
        let id = self.tree.add(Node {
            span: start..start + raw.len(),
            line,
            column: 0,
            dash: None,
            property: None,
            kind,
        });
        match raw.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = self.decode(raw, start)?;
                for (key, value) in members {
                    let pair = Pair {
                        key: self.node(key)?,
                        value: self.node(value)?,
                    };
                    if let Kind::Mapping { pairs, .. } = &mut self.tree.node_mut(id).kind {
                        pairs.push(pair);
                    }
                }
            }
            Some(b'[') => {
                for item in self.decode::<Vec<&'t RawValue>>(raw, start)? {
                    let item = self.node(item)?;
                    if let Kind::Sequence { items, .. } = &mut self.tree.node_mut(id).kind {
                        items.push(item);
                    }
                }
            }
            _ => {}
        }
        Ok(id)
    }

    fn decode<T: Deserialize<'t>>(&self, raw: &'t str, start: usize) -> Result<T, ReadError> {
        serde_json::from_str(raw).map_err(|error| self.error(&error, start))
    }

    /// Returns the line of an offset. Offsets must ascend.
    fn line(&mut self, offset: usize) -> usize {
        let (from, line) = self.counted;
        let line = line + breaks(&self.text[from..offset]);
        self.counted = (offset, line);
        line
    }

    fn error(&self, error: &serde_json::Error, start: usize) -> ReadError {
        let message = error.to_string();
        let problem = message
            .split(" at line ")
            .next()
            .unwrap_or(&message)
            .to_owned();
        let line = 1 + breaks(&self.text[..start]) + error.line().saturating_sub(1);
        ReadError {
            format: "JSON",
            problem,
            line,
            document: self.tree.roots.len(),
        }
    }
}

fn breaks(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

/// The members of an object as written, including repeated ones.
struct Members<'t>(Vec<(&'t RawValue, &'t RawValue)>);

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'t> Visitor<'t> for Collect {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
