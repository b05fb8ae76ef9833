use std::borrow::Cow;
use std::collections::HashMap;

use super::{Event, EventKind, Mark, Parser, ScalarStyle, SyntaxError};

/// A node's place in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

/// A node of the first document.
#[derive(Clone, Debug)]
pub struct Node<'t> {
    /// What it is.
    pub kind: NodeKind<'t>,
    /// Where it starts, its anchor and tag included.
    pub start: Mark,
    /// Where it ends: behind its last character, not where the next token stands.
    pub end: Mark,
    /// The `-` in front of an item of a block list.
    pub dash: Option<Mark>,
    /// Its tag, the handle resolved.
    pub tag: Option<String>,
    /// Whether it carries an anchor.
    pub anchored: bool,
    first_child: Option<NodeId>,
    next_sibling: Option<NodeId>,
}

/// The kinds of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind<'t> {
    /// A scalar.
    Scalar {
        /// The text it stands for.
        value: Cow<'t, str>,
        /// Its spelling.
        style: ScalarStyle,
        /// Whether its type is found out from its text.
        implicit: bool,
    },
    /// A list; its children are the items.
    Sequence {
        /// In brackets.
        flow: bool,
    },
    /// A mapping; its children are keys and values in turn.
    Mapping {
        /// In braces.
        flow: bool,
    },
    /// A reference to the node that carried this anchor last.
    Alias {
        /// The anchor's name.
        name: &'t str,
        /// The node.
        target: NodeId,
    },
}

/// Why a text has no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// It is not YAML.
    Syntax(SyntaxError),
    /// An alias whose anchor stands nowhere before it.
    UnknownAnchor {
        /// The anchor's name.
        name: String,
        /// Where the alias stands.
        at: Mark,
    },
}

/// The first document of a text, the only one that the authenticator reads.
#[derive(Clone, Debug)]
pub struct Tree<'t> {
    nodes: Vec<Node<'t>>,
    root: Option<NodeId>,
    /// Where a second document begins.
    pub second_document: Option<Mark>,
}

impl<'t> Tree<'t> {
    /// Reads the first document. What follows it is looked at only for whether it is there.
    ///
    /// # Errors
    /// Where the first document is not YAML.
    pub fn read(text: &'t str) -> Result<Self, TreeError> {
        let mut parser = Parser::new(text);
        let mut tree = Self {
            nodes: Vec::new(),
            root: None,
            second_document: None,
        };
        let mut anchors = HashMap::new();
        // Collections that are open, each with its last child so far.
        let mut open: Vec<(NodeId, Option<NodeId>)> = Vec::new();
        while let Some(event) = parser.next_event().map_err(TreeError::Syntax)? {
            let Event {
                kind,
                start,
                end,
                dash,
            } = event;
            let (anchor, tag, kind) = match kind {
                EventKind::StreamStart | EventKind::DocumentStart { .. } => continue,
                EventKind::StreamEnd => break,
                EventKind::DocumentEnd { .. } => {
                    tree.second_document = second_document(&mut parser);
                    break;
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => {
                    if let Some((id, last)) = open.pop() {
                        tree.close(id, last, end);
                    }
                    continue;
                }
                EventKind::Alias { anchor } => {
                    let Some(target) = anchors.get(anchor).copied() else {
                        return Err(TreeError::UnknownAnchor {
                            name: anchor.to_owned(),
                            at: start,
                        });
                    };
                    (
                        None,
                        None,
                        NodeKind::Alias {
                            name: anchor,
                            target,
                        },
                    )
                }
                EventKind::Scalar {
                    anchor,
                    tag,
                    value,
                    style,
                    implicit,
                } => (
                    anchor,
                    tag,
                    NodeKind::Scalar {
                        value,
                        style,
                        implicit,
                    },
                ),
                EventKind::SequenceStart { anchor, tag, flow } => {
                    (anchor, tag, NodeKind::Sequence { flow })
                }
                EventKind::MappingStart { anchor, tag, flow } => {
                    (anchor, tag, NodeKind::Mapping { flow })
                }
            };
            let is_open = matches!(kind, NodeKind::Sequence { .. } | NodeKind::Mapping { .. });
            let anchored = anchor.is_some();
            let node = Node {
                kind,
                start,
                end,
                dash,
                tag,
                anchored,
                first_child: None,
                next_sibling: None,
            };
            let id = NodeId(tree.nodes.len() as u32);
            tree.nodes.push(node);
            if let Some(anchor) = anchor {
                anchors.insert(anchor, id);
            }
            match open.last_mut() {
                None => tree.root = Some(id),
                Some((parent, last)) => {
                    match *last {
                        None => tree.nodes[parent.0 as usize].first_child = Some(id),
                        Some(last) => tree.nodes[last.0 as usize].next_sibling = Some(id),
                    }
                    *last = Some(id);
                }
            }
            if is_open {
                open.push((id, None));
            }
        }
        Ok(tree)
    }

    fn close(&mut self, id: NodeId, last: Option<NodeId>, end: Mark) {
        let flow = matches!(
            self.node(id).kind,
            NodeKind::Sequence { flow: true } | NodeKind::Mapping { flow: true }
        );
        let end = match last {
            // The one pair of `[a: b]` has no closing brace: its end is where the next token stands.
            Some(last)
                if !flow || end.offset < self.node(last).end.offset || !self.is_braced(id) =>
            {
                self.node(last).end
            }
            _ => end,
        };
        self.nodes[id.0 as usize].end = end;
    }

    fn is_braced(&self, id: NodeId) -> bool {
        let node = self.node(id);
        node.end.offset > node.start.offset
    }

    /// The document's root; `None` for a text without any document.
    pub fn root(&self) -> Option<NodeId> {
        self.root
    }

    /// The node of this id.
    pub fn node(&self, id: NodeId) -> &Node<'t> {
        &self.nodes[id.0 as usize]
    }

    /// A list's items, or a mapping's keys and values in turn.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.node(id).first_child, |child| {
            self.node(*child).next_sibling
        })
    }

    /// A mapping's pairs.
    pub fn pairs(&self, id: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        let mut children = self.children(id);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// Every node, parents before their children.
    pub fn nodes(&self) -> &[Node<'t>] {
        &self.nodes
    }
}

/// Where a second document begins; one that is not YAML begins too.
fn second_document(parser: &mut Parser<'_>) -> Option<Mark> {
    match parser.next_event() {
        Ok(Some(Event {
            kind: EventKind::DocumentStart { .. },
            start,
            ..
        })) => Some(start),
        Ok(_) => None,
        Err(error) => Some(error.problem),
    }
}
