//! Decodes a document into generic values like go-yaml v2, and finds what its conversion to JSON rejects.
//!
//! <https://github.com/yaml/go-yaml/blob/v2.4.0/decode.go>,
//! <https://github.com/kubernetes-sigs/yaml/blob/v1.6.0/yaml.go>

mod binary;
mod decode_state;
mod expansion;
mod json_limits;
mod value;

use std::borrow::Cow;

use goyaml::go_json;
use goyaml::{NodeId, NodeKind, Place, Tree};
use goyaml::{Resolved, resolve};

pub(super) use binary::{decode_base64, lossy_text};
pub(super) use decode_state::DecodeState;
pub(super) use expansion::Expansion;
pub(crate) use expansion::{MAX_COPIED, NODE_SIZE};
pub(super) use value::{Decoded, Key, Kind, ValueId};

use value::Value;

/// Why a whole section cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DecodeError {
    pub(super) message: String,
    pub(super) at: Place,
}

/// Decodes a document item by item. The values of an item are dropped before the next one is decoded.
pub(super) struct Decoder<'a, 't> {
    tree: &'a Tree<'t>,
    decoded: Decoded<'t>,
    maps: Vec<Vec<(Key<'t>, ValueId)>>,
    frames: Vec<Frame<'t>>,
    returned: Option<ValueId>,
    deepest: usize,
    has_unsupported_key: bool,
    has_unsupported_number: bool,
    state: DecodeState,
}

/// What is being decoded, outermost first. The stack is on the heap because documents may nest deeper than the call stack
/// allows.
enum Frame<'t> {
    Alias(NodeId),
    List {
        node: NodeId,
        next: Option<NodeId>,
        items: Vec<ValueId>,
    },
    Map {
        node: NodeId,
        map: usize,
        next: Option<NodeId>,
        step: Step<'t>,
        is_merge: bool,
    },
    /// The remaining maps of a `<<: [a, b]`.
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
    pub(super) fn new(tree: &'a Tree<'t>, state: DecodeState) -> Self {
        Self {
            tree,
            decoded: Decoded::default(),
            maps: Vec::new(),
            frames: Vec::new(),
            returned: None,
            deepest: 0,
            has_unsupported_key: false,
            has_unsupported_number: false,
            state,
        }
    }

    /// Returns the result of the last [`Self::decode`].
    pub(super) fn decoded(&self) -> &Decoded<'t> {
        &self.decoded
    }

    /// Decodes this node.
    ///
    /// # Errors
    /// If go-yaml stops with an error. Values that YAML allows but JSON cannot represent are reported after the last item: see
    /// [`DecodeState::into_unsupported`].
    pub(super) fn decode(&mut self, node: NodeId) -> Result<ValueId, DecodeError> {
        let id = self.run(node)?;
        if self.has_unsupported_key {
            self.note(0, |decoder| decoder.unsupported_key(id));
        }
        if self.has_unsupported_number {
            self.note(1, |decoder| decoder.unsupported_number(id));
        }
        if self.state.depth + self.deepest > go_json::MAX_DEPTH {
            self.note(2, |decoder| decoder.too_deep(id));
        }
        Ok(id)
    }

    /// Returns the state for the next item.
    pub(super) fn into_state(self) -> DecodeState {
        self.state
    }

    fn note(&mut self, kind: usize, find: impl FnOnce(&Self) -> Option<DecodeError>) {
        if self.state.unsupported[kind].is_none() {
            self.state.unsupported[kind] = find(self);
        }
    }

    fn run(&mut self, root: NodeId) -> Result<ValueId, DecodeError> {
        self.enter(root)?;
        while let Some(frame) = self.frames.pop() {
            self.deepest = self.deepest.max(self.frames.len() + 1);
            match frame {
                Frame::Alias(node) => self.state.expansion.leave(node),
                Frame::List { node, next, items } => self.step_list(node, next, items)?,
                Frame::Map {
                    node,
                    map,
                    next,
                    step,
                    is_merge,
                } => self.step_map(node, map, next, step, is_merge)?,
                Frame::Merge { map, mut rest } => {
                    if let Some(next) = rest.pop() {
                        self.frames.push(Frame::Merge { map, rest });
                        self.merge_one(next, map)?;
                    }
                }
            }
        }
        self.returned
            .take()
            .ok_or_else(|| self.error(root, "yaml: nothing to decode"))
    }

    /// Decodes a scalar, or pushes a frame for anything else.
    fn enter(&mut self, id: NodeId) -> Result<(), DecodeError> {
        let tree = self.tree;
        let node = tree.node(id);
        self.state.expansion.count(node.start)?;
        match &node.kind {
            NodeKind::Alias { name, target } => {
                self.state.expansion.enter(id, name, node.start)?;
                self.frames.push(Frame::Alias(id));
                self.enter(*target)?;
            }
            NodeKind::Scalar { value, .. } => {
                self.state.expansion.count_text(value, node.start)?;
                let kind = self.scalar(id)?;
                self.give(id, kind);
            }
            NodeKind::Sequence { .. } => {
                self.frames.push(Frame::List {
                    node: id,
                    next: tree.first_child(id),
                    items: Vec::new(),
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
        self.frames.push(Frame::Map {
            node,
            map,
            next: self.tree.first_child(node),
            step: Step::Next,
            is_merge,
        });
    }

    fn step_list(
        &mut self,
        node: NodeId,
        next: Option<NodeId>,
        mut items: Vec<ValueId>,
    ) -> Result<(), DecodeError> {
        items.extend(self.returned.take());
        let Some(item) = next else {
            self.give(node, Kind::List(items));
            return Ok(());
        };
        let next = self.tree.next_sibling(item);
        self.frames.push(Frame::List { node, next, items });
        self.enter(item)
    }

    fn step_map(
        &mut self,
        node: NodeId,
        map: usize,
        next: Option<NodeId>,
        step: Step<'t>,
        is_merge: bool,
    ) -> Result<(), DecodeError> {
        let frame = |next, step| Frame::Map {
            node,
            map,
            next,
            step,
            is_merge,
        };
        match (step, self.returned.take()) {
            (Step::Key { value }, Some(key)) => {
                let key = self.key(key)?;
                self.frames.push(frame(next, Step::Value { key }));
                return self.enter(value);
            }
            (Step::Value { key }, Some(value)) => self.maps[map].push((key, value)),
            _ => {}
        }
        let pair = next.and_then(|key| Some((key, self.tree.next_sibling(key)?)));
        let Some((key, value)) = pair else {
            if !is_merge {
                let mut pairs = std::mem::take(&mut self.maps[map]);
                keep_last(&mut pairs);
                self.give(node, Kind::Map(pairs));
            }
            return Ok(());
        };
        let next = self.tree.next_sibling(value);
        if self.is_merge(key) {
            self.frames.push(frame(next, Step::Next));
            return self.merge(value, map);
        }
        self.frames.push(frame(next, Step::Key { value }));
        self.enter(key)
    }

    fn is_merge(&self, key: NodeId) -> bool {
        let node = self.tree.node(key);
        let is_tagged = self.tree.tag(key) == Some("tag:yaml.org,2002:merge");
        matches!(&node.kind, NodeKind::Scalar { value, implicit, .. } if value == "<<" && (*implicit || is_tagged))
    }

    fn merge(&mut self, value: NodeId, map: usize) -> Result<(), DecodeError> {
        if let NodeKind::Sequence { .. } = self.tree.node(value).kind {
            // The maps are merged from last to first: the last one merged wins, and that must be the first map.
            let rest = self.tree.children(value).collect();
            self.frames.push(Frame::Merge { map, rest });
            return Ok(());
        }
        self.merge_one(value, map)
    }

    fn merge_one(&mut self, id: NodeId, map: usize) -> Result<(), DecodeError> {
        let tree = self.tree;
        let node = tree.node(id);
        let target = match &node.kind {
            NodeKind::Alias { target, .. } => *target,
            _ => id,
        };
        if !matches!(tree.node(target).kind, NodeKind::Mapping { .. }) {
            return Err(self.error(
                id,
                "yaml: map merge requires map or sequence of maps as the value",
            ));
        }
        self.state.expansion.count(node.start)?;
        if let NodeKind::Alias { name, target } = &node.kind {
            self.state.expansion.enter(id, name, node.start)?;
            self.frames.push(Frame::Alias(id));
            self.state.expansion.count(tree.node(*target).start)?;
        }
        self.push_map(target, map, true);
        Ok(())
    }

    fn scalar(&mut self, id: NodeId) -> Result<Kind<'t>, DecodeError> {
        let node = self.tree.node(id);
        let NodeKind::Scalar {
            value, implicit, ..
        } = &node.kind
        else {
            return Ok(Kind::Null);
        };
        if !node.tagged && !implicit {
            return Ok(Kind::Text(value.clone()));
        }
        let resolved =
            resolve(self.tree.tag(id), value).map_err(|message| self.error(id, &message))?;
        Ok(match resolved {
            Resolved::Null => Kind::Null,
            Resolved::Bool(_) => Kind::Bool,
            Resolved::Int(_) | Resolved::Uint(_) => Kind::Number(Ok(())),
            Resolved::Float(value) => Kind::Number(self.json_number(value)),
            Resolved::Text | Resolved::Timestamp => Kind::Text(value.clone()),
            Resolved::Binary => {
                let bytes = decode_base64(value).map_err(|message| self.error(id, message))?;
                Kind::Text(Cow::Owned(lossy_text(&bytes)))
            }
        })
    }

    fn json_number(&mut self, value: f64) -> Result<(), &'static str> {
        if value.is_finite() {
            return Ok(());
        }
        self.has_unsupported_number = true;
        Err(match value {
            value if value.is_nan() => "NaN",
            value if value > 0.0 => "+Inf",
            _ => "-Inf",
        })
    }

    fn key(&mut self, id: ValueId) -> Result<Key<'t>, DecodeError> {
        let value = &self.decoded.values[id.0 as usize];
        let node = value.node;
        let text = match &value.kind {
            Kind::List(_) | Kind::Map(_) => {
                return Err(self.error(node, "yaml: invalid map key: a list or a mapping"));
            }
            Kind::Text(text) => return Ok(Key::Text(text.clone())),
            Kind::Null => {
                self.has_unsupported_key = true;
                return Ok(Key::Null);
            }
            Kind::Bool | Kind::Number(_) => match &self.tree.node(node).kind {
                NodeKind::Scalar { value, .. } => value,
                _ => return Ok(Key::Null),
            },
        };
        let resolved =
            resolve(self.tree.tag(node), text).map_err(|message| self.error(node, &message))?;
        Ok(match resolved {
            Resolved::Bool(value) => Key::Bool(value),
            Resolved::Int(value) => Key::Int(value),
            // 0.0 and -0.0 are the same key.
            Resolved::Float(value) => Key::Float((value + 0.0).to_bits()),
            Resolved::Uint(value) => {
                self.has_unsupported_key = true;
                Key::Uint(value)
            }
            _ => Key::Null,
        })
    }

    fn give(&mut self, node: NodeId, kind: Kind<'t>) {
        self.returned = Some(ValueId(self.decoded.values.len() as u32));
        self.decoded.values.push(Value { node, kind });
    }

    fn error(&self, node: NodeId, message: &str) -> DecodeError {
        DecodeError {
            message: message.to_owned(),
            at: self.tree.node(node).start,
        }
    }
}

/// Sorts by key. Of equal keys, the last one is kept.
fn keep_last(pairs: &mut Vec<(Key<'_>, ValueId)>) {
    pairs.reverse();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs.dedup_by(|later, earlier| later.0 == earlier.0);
}
