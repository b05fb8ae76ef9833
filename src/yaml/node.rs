use std::borrow::Cow;
use std::collections::HashMap;

use super::{ErrorKind, Event, EventKind, Mark, Parser, ScalarStyle, SyntaxError};

/// Called with each item of a list.
type Each<'e, 't> = dyn FnMut(&Tree<'t>, NodeId) + 'e;

/// What follows the last character of a block scalar.
const LINE_END: [char; 7] = [' ', '\t', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// A node's place in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

/// Where something stands in the text, kept small: there is one for each node of a large text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    offset: u32,
    line: u32,
}

impl Place {
    /// The place at this byte, on this line from 0.
    pub fn new(offset: usize, line: usize) -> Self {
        Self {
            offset: narrow(offset),
            line: narrow(line),
        }
    }

    /// Byte offset.
    pub const fn offset(self) -> usize {
        self.offset as usize
    }

    /// Line, from 0.
    pub const fn line(self) -> usize {
        self.line as usize
    }
}

impl From<Mark> for Place {
    fn from(mark: Mark) -> Self {
        Self::new(mark.offset, mark.line)
    }
}

/// A node of the first document.
#[derive(Clone, Debug)]
pub struct Node<'t> {
    /// What it is.
    pub kind: NodeKind<'t>,
    /// Where it starts, its anchor and tag included.
    pub start: Place,
    /// The `-` in front of an item of a block list.
    pub dash: Option<Place>,
    /// Whether it carries an anchor.
    pub anchored: bool,
    /// Whether it carries a tag: [`Tree::tag`] has it.
    pub tagged: bool,
    end: u32,
    /// Node numbers. 0 is none: the root is nobody's child.
    first_child: u32,
    next_sibling: u32,
}

impl Node<'_> {
    /// Where it ends: behind its last character, not where the next token stands.
    pub const fn end(&self) -> usize {
        self.end as usize
    }
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
    /// The tags of the nodes that have one, by number.
    tags: HashMap<u32, String>,
    /// Where a second document begins.
    pub second_document: Option<Place>,
    /// Where `...` ends the first one.
    pub document_end: Option<Place>,
}

impl<'t> Tree<'t> {
    /// Reads the first document. What follows it is looked at only for whether it is there.
    ///
    /// # Errors
    /// Where the first document is not YAML, and for a text of 4 GiB.
    pub fn read(text: &'t str) -> Result<Self, TreeError> {
        Self::build(text, None)
    }

    /// Reads the first document, and where that is a list, shows each of its items as it is complete. An item is gone
    /// after that, unless a later one may refer to it: a tree takes many times the room of its text.
    ///
    /// # Errors
    /// As [`Self::read`]; items in front of the error have been shown by then.
    pub fn read_items(
        text: &'t str,
        mut each: impl FnMut(&Self, NodeId),
    ) -> Result<Self, TreeError> {
        Self::build(text, Some(&mut each))
    }

    fn build(text: &'t str, mut each: Option<&mut Each<'_, 't>>) -> Result<Self, TreeError> {
        if u32::try_from(text.len()).is_err() {
            return Err(TreeError::Syntax(SyntaxError {
                kind: ErrorKind::Reader,
                message: "a text of more than 4 GiB",
                problem: Mark::default(),
                context: None,
            }));
        }
        let mut parser = Parser::new(text);
        let mut tree = Self {
            nodes: Vec::new(),
            tags: HashMap::new(),
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
                    tree.document_end = explicit.then(|| start.into());
                    tree.second_document = second_document(&mut parser);
                    break;
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => {
                    if let Some((id, last)) = open.pop() {
                        let is_bracket = tree.is_flow(id) && start != end;
                        tree.close(id, last, is_bracket.then_some(end));
                        if let Some(each) = &mut each {
                            tree.show(id, &mut open, anchors.is_empty(), each);
                        }
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
                    let scalar = &text[start.offset..end.offset];
                    start.offset + scalar.trim_end_matches(LINE_END).len()
                }
                _ => end.offset,
            };
            let is_open = matches!(kind, NodeKind::Sequence { .. } | NodeKind::Mapping { .. });
            let id = NodeId(narrow(tree.nodes.len()));
            tree.nodes.push(Node {
                kind,
                start: start.into(),
                dash: dash.map(Place::from),
                anchored: anchor.is_some(),
                tagged: tag.is_some(),
                end: narrow(end),
                first_child: 0,
                next_sibling: 0,
            });
            if let Some(tag) = tag {
                tree.tags.insert(id.0, tag);
            }
            if let Some(anchor) = anchor {
                anchors.insert(anchor, id);
            }
            if let Some((parent, last)) = open.last_mut() {
                match *last {
                    None => tree.nodes[parent.0 as usize].first_child = id.0,
                    Some(last) => tree.nodes[last.0 as usize].next_sibling = id.0,
                }
                *last = Some(id);
            }
            if is_open {
                open.push((id, None));
            } else if let Some(each) = &mut each {
                tree.show(id, &mut open, anchors.is_empty(), each);
            }
        }
        Ok(tree)
    }

    /// Shows a node that is complete if it is an item of the document's list, and forgets it if it may.
    fn show(
        &mut self,
        id: NodeId,
        open: &mut [(NodeId, Option<NodeId>)],
        may_forget: bool,
        each: &mut Each<'_, 't>,
    ) {
        let [(list, last)] = open else { return };
        if !matches!(self.node(*list).kind, NodeKind::Sequence { .. }) {
            return;
        }
        each(self, id);
        if may_forget && self.tags.is_empty() {
            let end = self.node(id).end;
            self.nodes.truncate(id.0 as usize);
            let list = &mut self.nodes[list.0 as usize];
            list.end = end;
            list.first_child = 0;
            *last = None;
        }
    }

    fn close(&mut self, id: NodeId, last: Option<NodeId>, bracket: Option<Mark>) {
        // Only brackets say where a collection ends; for the others it is where their last child does.
        let end = match (bracket, last) {
            (Some(bracket), _) => narrow(bracket.offset),
            (None, Some(last)) => self.node(last).end,
            (None, None) => return,
        };
        self.nodes[id.0 as usize].end = end;
    }

    fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self.node(id).kind,
            NodeKind::Sequence { flow: true } | NodeKind::Mapping { flow: true }
        )
    }

    /// The document's root; `None` for a text without any document.
    pub fn root(&self) -> Option<NodeId> {
        (!self.nodes.is_empty()).then_some(NodeId(0))
    }

    /// The node of this id.
    pub fn node(&self, id: NodeId) -> &Node<'t> {
        &self.nodes[id.0 as usize]
    }

    /// The node's tag, its handle resolved.
    pub fn tag(&self, id: NodeId) -> Option<&str> {
        self.node(id)
            .tagged
            .then(|| self.tags.get(&id.0))?
            .map(String::as_str)
    }

    /// The first item of a list, or key of a mapping.
    pub fn first_child(&self, id: NodeId) -> Option<NodeId> {
        link(self.node(id).first_child)
    }

    /// The item, key or value that comes next in the same collection.
    pub fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        link(self.node(id).next_sibling)
    }

    /// A list's items, or a mapping's keys and values in turn.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.first_child(id), |child| self.next_sibling(*child))
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

    /// This node and those that were read after it.
    pub fn nodes_from(&self, id: NodeId) -> &[Node<'t>] {
        &self.nodes[id.0 as usize..]
    }
}

fn link(number: u32) -> Option<NodeId> {
    (number != 0).then_some(NodeId(number))
}

/// No text here is 4 GiB long, and none has more nodes or lines than bytes.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where a second document begins; one that is not YAML begins too.
fn second_document(parser: &mut Parser<'_>) -> Option<Place> {
    match parser.next_event() {
        Ok(Some(Event {
            kind: EventKind::DocumentStart { .. },
            start,
            ..
        })) => Some(start.into()),
        Ok(_) => None,
        Err(error) => Some(error.problem.into()),
    }
}
