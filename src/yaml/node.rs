use std::borrow::Cow;
use std::collections::HashMap;

use super::{Event, EventKind, Mark, Parser, ScalarStyle, SyntaxError};

/// What follows the last character of a block scalar.
const LINE_END: [char; 7] = [' ', '\t', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

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
    /// Where `...` ends the first one.
    pub document_end: Option<Mark>,
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
            document_end: None,
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
                EventKind::DocumentEnd { explicit } => {
                    tree.document_end = explicit.then_some(start);
                    tree.second_document = second_document(&mut parser);
                    break;
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => {
                    if let Some((id, last)) = open.pop() {
                        tree.close(
                            id,
                            last,
                            tree.is_flow(id).then_some(end).filter(|end| *end != start),
                        );
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
            let end = match &kind {
                NodeKind::Scalar {
                    style: ScalarStyle::Literal | ScalarStyle::Folded,
                    ..
                } => {
                    let offset = start.offset
                        + text[start.offset..end.offset]
                            .trim_end_matches(LINE_END)
                            .len();
                    Mark { offset, ..end }
                }
                _ => end,
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

    fn close(&mut self, id: NodeId, last: Option<NodeId>, bracket: Option<Mark>) {
        // Only brackets say where a collection ends; for the others it is where their last child does.
        if let Some(end) = bracket.or_else(|| last.map(|last| self.node(last).end)) {
            self.nodes[id.0 as usize].end = end;
        }
    }

    fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self.node(id).kind,
            NodeKind::Sequence { flow: true } | NodeKind::Mapping { flow: true }
        )
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
