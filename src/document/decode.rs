//! The generic value that go-yaml v2 decodes a document to, and what turns it down on its way to JSON.
//!
//! <https://github.com/yaml/go-yaml/blob/v2.4.0/decode.go>,
//! <https://github.com/kubernetes-sigs/yaml/blob/v1.6.0/yaml.go>

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::json;
use super::resolve::{Resolved, resolve};
use crate::yaml::{Mark, NodeId, NodeKind, Tree};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ValueId(u32);

/// A value, and the node that it was decoded from.
#[derive(Debug)]
pub(super) struct Value<'t> {
    pub(super) node: NodeId,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug)]
pub(super) enum Kind<'t> {
    Null,
    Bool,
    /// `Err` holds what Go prints for a number that JSON does not have.
    Number(Result<(), &'static str>),
    Text(Cow<'t, str>),
    List(Vec<ValueId>),
    /// In the byte order of the keys, each once.
    Map(Vec<(Key<'t>, ValueId)>),
}

/// A mapping's key. Only text can be the name of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'t> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(u64),
    Text(Cow<'t, str>),
}

/// Why a whole section is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) message: String,
    pub(super) at: Mark,
}

/// A decoded document.
#[derive(Debug)]
pub(super) struct Decoded<'t> {
    values: Vec<Value<'t>>,
    pub(super) root: ValueId,
}

impl<'t> Decoded<'t> {
    pub(super) fn value(&self, id: ValueId) -> &Value<'t> {
        &self.values[id.0 as usize]
    }
}

/// Decodes the document whose root this is.
pub(super) fn decode<'t>(tree: &Tree<'t>, root: NodeId) -> Result<Decoded<'t>, Lost> {
    let mut decoder = Decoder::new(tree);
    let root = decoder.run(root)?;
    let needs_check = decoder.needs_check || decoder.deepest > json::MAX_DEPTH;
    let decoded = Decoded {
        values: decoder.values,
        root,
    };
    if needs_check {
        check_keys(tree, &decoded)?;
        check_numbers(tree, &decoded)?;
        check_depth(tree, &decoded)?;
    }
    Ok(decoded)
}

/// Counts what go-yaml counts to stop documents that are mostly aliases.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    decoded: usize,
    from_aliases: usize,
    depth: usize,
    open: HashSet<NodeId>,
}

impl Expansion {
    /// One for the document itself.
    pub(super) fn new() -> Self {
        Self {
            decoded: 1,
            ..Self::default()
        }
    }

    pub(super) fn count(&mut self, at: Mark) -> Result<(), Lost> {
        self.decoded += 1;
        if self.depth > 0 {
            self.from_aliases += 1;
        }
        let share = self.from_aliases as f64 / self.decoded as f64;
        if self.from_aliases > 100 && self.decoded > 1000 && share > allowed_share(self.decoded) {
            return Err(Lost {
                message: "yaml: document contains excessive aliasing".to_owned(),
                at,
            });
        }
        Ok(())
    }

    pub(super) fn enter(&mut self, alias: NodeId, name: &str, at: Mark) -> Result<(), Lost> {
        if !self.open.insert(alias) {
            return Err(Lost {
                message: format!("yaml: anchor '{name}' value contains itself"),
                at,
            });
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self, alias: NodeId) {
        self.depth -= 1;
        self.open.remove(&alias);
    }
}

fn allowed_share(decoded: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let decoded = (decoded as f64).clamp(LOW, HIGH);
    0.99 - 0.89 * ((decoded - LOW) / (HIGH - LOW))
}

struct Decoder<'a, 't> {
    tree: &'a Tree<'t>,
    values: Vec<Value<'t>>,
    maps: Vec<Vec<(Key<'t>, ValueId)>>,
    frames: Vec<Frame<'t>>,
    returned: Option<ValueId>,
    expansion: Expansion,
    needs_check: bool,
    deepest: usize,
}

/// What is being decoded, outermost first. A stack of our own: texts may nest deeper than ours would bear.
enum Frame<'t> {
    Alias(NodeId),
    List {
        node: NodeId,
        rest: Vec<NodeId>,
        items: Vec<ValueId>,
    },
    Map {
        node: NodeId,
        map: usize,
        rest: Vec<NodeId>,
        step: Step<'t>,
        is_merge: bool,
    },
    /// The maps of a `<<: [a, b]` that are still to come.
    Merge {
        map: usize,
        rest: Vec<NodeId>,
    },
}

enum Step<'t> {
    Next,
    Key { value: NodeId },
    Value { key: Key<'t> },
}

impl<'a, 't> Decoder<'a, 't> {
    fn new(tree: &'a Tree<'t>) -> Self {
        Self {
            tree,
            values: Vec::with_capacity(tree.nodes().len()),
            maps: Vec::new(),
            frames: Vec::new(),
            returned: None,
            expansion: Expansion::new(),
            needs_check: false,
            deepest: 0,
        }
    }

    fn run(&mut self, root: NodeId) -> Result<ValueId, Lost> {
        self.enter(root)?;
        while let Some(frame) = self.frames.pop() {
            self.deepest = self.deepest.max(self.frames.len() + 1);
            match frame {
                Frame::Alias(node) => self.expansion.leave(node),
                Frame::List { node, rest, items } => self.step_list(node, rest, items)?,
                Frame::Map {
                    node,
                    map,
                    rest,
                    step,
                    is_merge,
                } => self.step_map(node, map, rest, step, is_merge)?,
                Frame::Merge { map, mut rest } => {
                    if let Some(next) = rest.pop() {
                        self.frames.push(Frame::Merge { map, rest });
                        self.merge_one(next, map)?;
                    }
                }
            }
        }
        self.returned
            .ok_or_else(|| self.lost(root, "yaml: nothing to decode"))
    }

    /// Decodes a scalar at once; anything else is left to its frame.
    fn enter(&mut self, id: NodeId) -> Result<(), Lost> {
        let tree = self.tree;
        let node = tree.node(id);
        self.expansion.count(node.start)?;
        match &node.kind {
            NodeKind::Alias { name, target } => {
                self.expansion.enter(id, name, node.start)?;
                self.frames.push(Frame::Alias(id));
                self.enter(*target)?;
            }
            NodeKind::Scalar { .. } => {
                let kind = self.scalar(id)?;
                self.give(id, kind);
            }
            NodeKind::Sequence { .. } => {
                let rest = self.children_reversed(id);
                self.frames.push(Frame::List {
                    node: id,
                    items: Vec::with_capacity(rest.len()),
                    rest,
                });
            }
            NodeKind::Mapping { .. } => {
                self.maps.push(Vec::new());
                self.push_map(id, self.maps.len() - 1, false);
            }
        }
        Ok(())
    }

    fn push_map(&mut self, node: NodeId, map: usize, is_merge: bool) {
        let rest = self.children_reversed(node);
        self.frames.push(Frame::Map {
            node,
            map,
            rest,
            step: Step::Next,
            is_merge,
        });
    }

    fn children_reversed(&self, id: NodeId) -> Vec<NodeId> {
        let mut children: Vec<_> = self.tree.children(id).collect();
        children.reverse();
        children
    }

    fn step_list(
        &mut self,
        node: NodeId,
        mut rest: Vec<NodeId>,
        mut items: Vec<ValueId>,
    ) -> Result<(), Lost> {
        items.extend(self.returned.take());
        match rest.pop() {
            Some(next) => {
                self.frames.push(Frame::List { node, rest, items });
                self.enter(next)
            }
            None => {
                self.give(node, Kind::List(items));
                Ok(())
            }
        }
    }

    fn step_map(
        &mut self,
        node: NodeId,
        map: usize,
        mut rest: Vec<NodeId>,
        step: Step<'t>,
        is_merge: bool,
    ) -> Result<(), Lost> {
        match (step, self.returned.take()) {
            (Step::Key { value }, Some(key)) => {
                let key = self.key(key)?;
                self.frames.push(Frame::Map {
                    node,
                    map,
                    rest,
                    step: Step::Value { key },
                    is_merge,
                });
                return self.enter(value);
            }
            (Step::Value { key }, Some(value)) => self.maps[map].push((key, value)),
            _ => {}
        }
        let (Some(key), Some(value)) = (rest.pop(), rest.pop()) else {
            if !is_merge {
                let mut pairs = std::mem::take(&mut self.maps[map]);
                keep_last(&mut pairs);
                self.give(node, Kind::Map(pairs));
            }
            return Ok(());
        };
        if self.is_merge(key) {
            self.frames.push(Frame::Map {
                node,
                map,
                rest,
                step: Step::Next,
                is_merge,
            });
            return self.merge(value, map);
        }
        self.frames.push(Frame::Map {
            node,
            map,
            rest,
            step: Step::Key { value },
            is_merge,
        });
        self.enter(key)
    }

    fn is_merge(&self, key: NodeId) -> bool {
        let node = self.tree.node(key);
        let is_tagged = node.tag.as_deref() == Some("tag:yaml.org,2002:merge");
        matches!(&node.kind, NodeKind::Scalar { value, implicit, .. } if value == "<<" && (*implicit || is_tagged))
    }

    fn merge(&mut self, value: NodeId, map: usize) -> Result<(), Lost> {
        if let NodeKind::Sequence { .. } = self.tree.node(value).kind {
            // Taken from its end: what is merged last wins, and the first map shall.
            let rest = self.tree.children(value).collect();
            self.frames.push(Frame::Merge { map, rest });
            return Ok(());
        }
        self.merge_one(value, map)
    }

    fn merge_one(&mut self, id: NodeId, map: usize) -> Result<(), Lost> {
        let tree = self.tree;
        let node = tree.node(id);
        let target = match &node.kind {
            NodeKind::Alias { target, .. } => *target,
            _ => id,
        };
        if !matches!(tree.node(target).kind, NodeKind::Mapping { .. }) {
            return Err(self.lost(
                id,
                "yaml: map merge requires map or sequence of maps as the value",
            ));
        }
        self.expansion.count(node.start)?;
        if let NodeKind::Alias { name, target } = &node.kind {
            self.expansion.enter(id, name, node.start)?;
            self.frames.push(Frame::Alias(id));
            self.expansion.count(tree.node(*target).start)?;
        }
        self.push_map(target, map, true);
        Ok(())
    }

    fn scalar(&mut self, id: NodeId) -> Result<Kind<'t>, Lost> {
        let node = self.tree.node(id);
        let NodeKind::Scalar {
            value, implicit, ..
        } = &node.kind
        else {
            return Ok(Kind::Null);
        };
        if node.tag.is_none() && !implicit {
            return Ok(Kind::Text(value.clone()));
        }
        let resolved =
            resolve(node.tag.as_deref(), value).map_err(|message| self.lost(id, &message))?;
        Ok(match resolved {
            Resolved::Null => Kind::Null,
            Resolved::Bool(_) => Kind::Bool,
            Resolved::Int(_) | Resolved::Uint(_) => Kind::Number(Ok(())),
            Resolved::Float(value) => Kind::Number(self.json_number(value)),
            Resolved::Text | Resolved::Timestamp => Kind::Text(value.clone()),
            Resolved::Binary => {
                let bytes = decode_base64(value).map_err(|message| self.lost(id, message))?;
                Kind::Text(Cow::Owned(lossy_text(&bytes)))
            }
        })
    }

    fn json_number(&mut self, value: f64) -> Result<(), &'static str> {
        if value.is_finite() {
            return Ok(());
        }
        self.needs_check = true;
        Err(match value {
            value if value.is_nan() => "NaN",
            value if value > 0.0 => "+Inf",
            _ => "-Inf",
        })
    }

    fn key(&mut self, id: ValueId) -> Result<Key<'t>, Lost> {
        let value = &self.values[id.0 as usize];
        let node = value.node;
        let text = match &value.kind {
            Kind::List(_) | Kind::Map(_) => {
                return Err(self.lost(node, "yaml: invalid map key: a list or a mapping"));
            }
            Kind::Text(text) => return Ok(Key::Text(text.clone())),
            Kind::Null => {
                self.needs_check = true;
                return Ok(Key::Null);
            }
            Kind::Bool | Kind::Number(_) => match &self.tree.node(node).kind {
                NodeKind::Scalar { value, .. } => value,
                _ => return Ok(Key::Null),
            },
        };
        let resolved = resolve(self.tree.node(node).tag.as_deref(), text)
            .map_err(|message| self.lost(node, &message))?;
        Ok(match resolved {
            Resolved::Bool(value) => Key::Bool(value),
            Resolved::Int(value) => Key::Int(value),
            Resolved::Float(value) => Key::Float(value.to_bits()),
            Resolved::Uint(value) => {
                self.needs_check = true;
                Key::Uint(value)
            }
            _ => Key::Null,
        })
    }

    fn give(&mut self, node: NodeId, kind: Kind<'t>) {
        self.returned = Some(ValueId(self.values.len() as u32));
        self.values.push(Value { node, kind });
    }

    fn lost(&self, node: NodeId, message: &str) -> Lost {
        Lost {
            message: message.to_owned(),
            at: self.tree.node(node).start,
        }
    }
}

/// Sorts by key; of equal keys the last stays.
fn keep_last(pairs: &mut Vec<(Key<'_>, ValueId)>) {
    pairs.reverse();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs.dedup_by(|later, earlier| later.0 == earlier.0);
}

/// As `base64.StdEncoding` decodes: line breaks are skipped, bits that do not fill a byte are ignored.
pub(super) fn decode_base64(text: &str) -> Result<Vec<u8>, &'static str> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let text = text.replace(['\r', '\n'], "");
    engine
        .decode(text)
        .map_err(|_| "yaml: !!binary value contains invalid base64 data")
}

/// Bytes as Go's JSON encoder writes them: each that is not part of a character becomes U+FFFD on its own.
pub(super) fn lossy_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// The values that the document still has, in document order (maps in key order), with their depth.
fn walk<'d, 't>(decoded: &'d Decoded<'t>) -> impl Iterator<Item = (&'d Value<'t>, usize)> {
    let mut stack = vec![(decoded.root, 1)];
    std::iter::from_fn(move || {
        let (id, depth) = stack.pop()?;
        let value = decoded.value(id);
        match &value.kind {
            Kind::List(items) => stack.extend(items.iter().rev().map(|item| (*item, depth + 1))),
            Kind::Map(pairs) => {
                stack.extend(pairs.iter().rev().map(|(_, value)| (*value, depth + 1)))
            }
            _ => {}
        }
        Some((value, depth))
    })
}

fn check_keys(tree: &Tree<'_>, decoded: &Decoded<'_>) -> Result<(), Lost> {
    for (value, _) in walk(decoded) {
        let Kind::Map(pairs) = &value.kind else {
            continue;
        };
        for (key, id) in pairs {
            let key = match key {
                Key::Null => "%!s(<nil>), key: <nil>".to_owned(),
                Key::Uint(key) => format!("uint64, key: {key:#x}"),
                _ => continue,
            };
            let held = match &decoded.value(*id).kind {
                Kind::Text(text) => format!("{text:?}"),
                Kind::Null => "interface {}(nil)".to_owned(),
                _ => "…".to_owned(),
            };
            let message = format!("unsupported map key of type: {key}, value: {held}");
            return Err(Lost {
                message,
                at: tree.node(value.node).start,
            });
        }
    }
    Ok(())
}

fn check_numbers(tree: &Tree<'_>, decoded: &Decoded<'_>) -> Result<(), Lost> {
    for (value, _) in walk(decoded) {
        if let Kind::Number(Err(name)) = value.kind {
            let message = format!("json: unsupported value: {name}");
            return Err(Lost {
                message,
                at: tree.node(value.node).start,
            });
        }
    }
    Ok(())
}

fn check_depth(tree: &Tree<'_>, decoded: &Decoded<'_>) -> Result<(), Lost> {
    for (value, depth) in walk(decoded) {
        let bracket = match value.kind {
            Kind::List(_) => b'[',
            Kind::Map(_) => b'{',
            _ => continue,
        };
        if depth > json::MAX_DEPTH {
            return Err(Lost {
                message: json::too_deep(bracket),
                at: tree.node(value.node).start,
            });
        }
    }
    Ok(())
}
