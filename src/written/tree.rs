//! The nodes of a YAML or JSON stream, each with its place.

use std::ops::Range;

pub(crate) type NodeId = usize;

/// Every node of every document. Children are numbers, so that depth costs no stack.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// The root of each document.
    pub(crate) roots: Vec<NodeId>,
    /// Whether it was read as JSON, whose strings know other escapes than YAML's.
    pub(crate) json: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its bytes. The end of a block collection or block scalar may lie in the white space behind it.
    pub(crate) span: Range<usize>,
    /// Line of its first byte, from 1.
    pub(crate) line: usize,
    /// Column of its first byte in characters, from 0; only kept for YAML.
    pub(crate) column: usize,
    /// The `-` in front of an item of a block list.
    pub(crate) dash: Option<usize>,
    /// Anchor or tag.
    pub(crate) property: Option<Property>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Property {
    Anchor(String),
    Tag(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar { value: String, style: Style },
    Sequence { flow: bool, items: Vec<NodeId> },
    Mapping { flow: bool, pairs: Vec<Pair> },
    Alias(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Single,
    Double,
    Literal,
    Folded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) key: NodeId,
    pub(crate) value: NodeId,
}

/// How two nodes are compared.
pub(crate) enum Compare {
    /// As they are.
    All,
    /// By these pairs of nodes alone.
    Only(Vec<(NodeId, NodeId)>),
    /// Not at all: they differ.
    Differs,
}

impl Tree {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            nodes: Vec::new(),
            roots: Vec::new(),
            json,
        }
    }

    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id]
    }

    /// The pairs of a mapping; none for any other node.
    pub(crate) fn pairs(&self, id: NodeId) -> &[Pair] {
        match &self.node(id).kind {
            Kind::Mapping { pairs, .. } => pairs,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub(crate) fn scalar(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The items of a list; none for any other node.
    pub(crate) fn items(&self, id: NodeId) -> &[NodeId] {
        match &self.node(id).kind {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        }
    }

    /// Whether it is a mapping or list in brackets.
    pub(crate) fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self.node(id).kind,
            Kind::Mapping { flow: true, .. } | Kind::Sequence { flow: true, .. }
        )
    }

    pub(crate) fn style(&self, id: NodeId) -> Option<Style> {
        match &self.node(id).kind {
            Kind::Scalar { style, .. } => Some(*style),
            _ => None,
        }
    }

    /// The pair of a mapping with this key.
    pub(crate) fn get(&self, id: NodeId, key: &str) -> Option<Pair> {
        self.pairs(id)
            .iter()
            .copied()
            .find(|pair| self.scalar(pair.key) == Some(key))
    }

    /// Whether a value is absent or null.
    pub(crate) fn is_null(&self, id: NodeId) -> bool {
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

    /// Whether two nodes decode alike, spelling and place aside. `how` says of any two nodes how to compare them.
    pub(crate) fn same(
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
                    // A plain scalar may be a number or a null, where a quoted one is text.
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
