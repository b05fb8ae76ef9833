//! The nodes of a YAML or JSON stream with their positions.

use std::ops::Range;

pub type NodeId = usize;

/// The nodes of all documents of a stream.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    /// The root of each document.
    pub roots: Vec<NodeId>,
    /// Whether the text was read as JSON, whose strings have other escapes than YAML's.
    pub json: bool,
}

#[derive(Clone, Debug)]
pub struct Node {
    /// Its bytes. The end of a block collection or block scalar may be in the white space after it.
    pub span: Range<usize>,
    /// The line of its first byte, from 1.
    pub line: usize,
    /// The column of its first byte in characters, from 0. Always 0 in JSON.
    pub column: usize,
    /// The offset of the `-` before an item of a block list.
    pub dash: Option<usize>,
    /// Its anchor, or else its tag.
    pub property: Option<Property>,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    Anchor(String),
    Tag(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Scalar { value: String, style: Style },
    Sequence { flow: bool, items: Vec<NodeId> },
    Mapping { flow: bool, pairs: Vec<Pair> },
    Alias(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub key: NodeId,
    pub value: NodeId,
}

/// Why the input could not be read.
#[derive(Clone, Debug)]
pub struct ReadError {
    /// `YAML` or `JSON`
    pub format: &'static str,
    pub problem: String,
    /// The line of the problem, from 1.
    pub line: usize,
    /// The number of the document in the stream, from 0.
    pub document: usize,
}

/// How two nodes are compared.
pub enum Compare {
    /// With everything in them.
    All,
    /// Only by these pairs of nodes.
    Only(Vec<(NodeId, NodeId)>),
    /// They differ.
    Differs,
}

impl Tree {
    pub fn new(json: bool) -> Self {
        Self {
            nodes: Vec::new(),
            roots: Vec::new(),
            json,
        }
    }

    pub fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Adds a node to a collection. `pending_key` is the key of a mapping that has no value yet.
    pub(super) fn attach(
        &mut self,
        parent: NodeId,
        pending_key: &mut Option<NodeId>,
        id: NodeId,
    ) -> Result<(), &'static str> {
        let is_collection = matches!(
            self.node(id).kind,
            Kind::Sequence { .. } | Kind::Mapping { .. }
        );
        match &mut self.node_mut(parent).kind {
            Kind::Sequence { items, .. } => items.push(id),
            Kind::Mapping { pairs, .. } => match pending_key.take() {
                Some(key) => pairs.push(Pair { key, value: id }),
                // No Kubernetes object has such a key. YAML reads `{{ x }}` as one.
                None if is_collection => return Err("a mapping or list is used as a key"),
                None => *pending_key = Some(id),
            },
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
        Ok(())
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id]
    }

    /// Returns the pairs of a mapping; none for any other node.
    pub fn pairs(&self, id: NodeId) -> &[Pair] {
        match &self.node(id).kind {
            Kind::Mapping { pairs, .. } => pairs,
            _ => &[],
        }
    }

    /// Returns the decoded text of a scalar.
    pub fn scalar(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Returns the items of a list; none for any other node.
    pub fn items(&self, id: NodeId) -> &[NodeId] {
        match &self.node(id).kind {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    /// Returns whether the node is a mapping or list in brackets.
    pub fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self.node(id).kind,
            Kind::Mapping { flow: true, .. } | Kind::Sequence { flow: true, .. }
        )
    }

    pub fn style(&self, id: NodeId) -> Option<Style> {
        match &self.node(id).kind {
            Kind::Scalar { style, .. } => Some(*style),
            _ => None,
        }
    }

    /// Returns the pair of a mapping with this key.
    pub fn get(&self, id: NodeId, key: &str) -> Option<Pair> {
        self.pairs(id)
            .iter()
            .copied()
            .find(|pair| self.scalar(pair.key) == Some(key))
    }

    /// Returns whether a value is absent or null.
    pub fn is_null(&self, id: NodeId) -> bool {
        match &self.node(id).kind {
            Kind::Scalar {
                value,
                style: Style::Plain,
            } => {
                matches!(value.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// Returns whether two nodes decode to the same value. `how` returns how to compare two nodes.
    pub fn same(
        &self,
        id: NodeId,
        other: &Self,
        other_id: NodeId,
        how: impl Fn(NodeId, NodeId) -> Compare,
    ) -> bool {
        let mut pending = vec![(id, other_id)];
        while let Some((left, right)) = pending.pop() {
            match how(left, right) {
                Compare::All => {}
                Compare::Only(instead) => {
                    pending.extend(instead);
                    continue;
                }
                Compare::Differs => return false,
            }
            let (a, b) = (self.node(left), other.node(right));
            if a.property != b.property {
                return false;
            }
            match (&a.kind, &b.kind) {
                (
                    Kind::Scalar { value, style },
                    Kind::Scalar {
                        value: twin,
                        style: twin_style,
                    },
                ) => {
                    // A plain scalar may be a number or null; a quoted one is a string.
                    if value != twin || (*style == Style::Plain) != (*twin_style == Style::Plain) {
                        return false;
                    }
                }
                (Kind::Sequence { items, .. }, Kind::Sequence { items: twins, .. })
                    if items.len() == twins.len() =>
                {
                    pending.extend(items.iter().copied().zip(twins.iter().copied()));
                }
                (Kind::Mapping { pairs, .. }, Kind::Mapping { pairs: twins, .. })
                    if pairs.len() == twins.len() =>
                {
                    for (pair, twin) in pairs.iter().zip(twins) {
                        pending.push((pair.key, twin.key));
                        pending.push((pair.value, twin.value));
                    }
                }
                (Kind::Alias(name), Kind::Alias(twin)) if name == twin => {}
                _ => return false,
            }
        }
        true
    }
}
