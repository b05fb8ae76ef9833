//! A tree of nodes with their positions, built from events.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{ErrorKind, Event, EventKind, Mark, Parser, ScalarStyle, SyntaxError};

/// A callback for each item of a list.
type Each<'e, 't> = dyn FnMut(&Tree<'t>, NodeId) + 'e;

/// The characters that may follow the last character of a block scalar.
const LINE_END: [char; 7] = [' ', '\t', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

/// The index of a node in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(u32);

/// A position in the text. It is small because each node has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    offset: u32,
    line: u32,
}

impl Place {
    /// Creates a position at this byte, on this line from 0.
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

/// A node of a document.
#[derive(Clone, Debug)]
pub struct Node<'t> {
    pub kind: NodeKind<'t>,
    /// Its start, including its anchor and tag.
    pub start: Place,
    /// The `-` before an item of a block list.
    pub dash: Option<Place>,
    /// Whether it has an anchor.
    pub anchored: bool,
    /// Whether it has a tag: see [`Tree::tag`].
    pub tagged: bool,
    end: u32,
    /// A node number. 0 means none, as the root is not a child.
    first_child: u32,
    next_sibling: u32,
}

impl Node<'_> {
    /// Returns the end of its last character, not the start of the next token.
    pub const fn end(&self) -> usize {
        self.end as usize
    }
}

/// The kinds of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind<'t> {
    Scalar {
        /// The decoded text.
        value: Cow<'t, str>,
        style: ScalarStyle,
        /// Whether its type is resolved from its text.
        implicit: bool,
    },
    /// A list; its children are the items.
    Sequence {
        /// Whether it is written in brackets.
        flow: bool,
    },
    /// A mapping; its children are keys and values in turn.
    Mapping {
        /// Whether it is written in braces.
        flow: bool,
    },
    /// A reference to the last node before it with this anchor.
    Alias {
        /// The name of the anchor.
        name: &'t str,
        target: NodeId,
    },
}

/// Why the input could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// The text is not YAML.
    Syntax(SyntaxError),
    /// An alias without an anchor before it.
    UnknownAnchor {
        /// The name of the anchor.
        name: String,
        /// The position of the alias.
        at: Mark,
    },
}

/// A document of the input. The authenticator reads only the first one.
#[derive(Clone, Debug)]
pub struct Tree<'t> {
    nodes: Vec<Node<'t>>,
    /// The tags of the nodes that have one, by number.
    tags: HashMap<u32, String>,
    /// The start of the document, including its `---`.
    pub start: Place,
    /// The start of a second document. Only set by [`Tree::read`] and [`Tree::read_items`].
    pub second_document: Option<Place>,
    /// The `...` that ends the document.
    pub document_end: Option<Place>,
}

impl<'t> Tree<'t> {
    /// Reads the first document, and finds whether there is a second one.
    ///
    /// # Errors
    /// If the first document is not YAML, and for an input of 4 GiB.
    pub fn read(text: &'t str) -> Result<Self, TreeError> {
        Self::build(text, None)
    }

    /// Reads the first document and, if it is a list, calls `each` with every item as soon as it is complete. The item is
    /// then dropped, unless a later item may refer to it: a tree takes many times the memory of its input.
    ///
    /// # Errors
    /// The same errors as [`Self::read`]. `each` has been called with the items before the error.
    pub fn read_items(
        text: &'t str,
        mut each: impl FnMut(&Self, NodeId),
    ) -> Result<Self, TreeError> {
        Self::build(text, Some(&mut each))
    }

    /// Reads every document of the input.
    ///
    /// # Errors
    /// If any document is not YAML, and for an input of 4 GiB.
    pub fn read_all(text: &'t str) -> Result<Vec<Self>, TreeError> {
        check_size(text)?;
        let mut parser = Parser::new(text);
        let mut trees = Vec::new();
        while let Some(tree) = Self::document(&mut parser, text, None)? {
            trees.push(tree);
        }
        Ok(trees)
    }

    fn build(text: &'t str, each: Option<&mut Each<'_, 't>>) -> Result<Self, TreeError> {
        check_size(text)?;
        let mut parser = Parser::new(text);
        let mut tree = Self::document(&mut parser, text, each)?.unwrap_or_else(Self::empty);
        tree.second_document = second_document(&mut parser);
        Ok(tree)
    }

    fn empty() -> Self {
        Self {
            nodes: Vec::new(),
            tags: HashMap::new(),
            start: Place::default(),
            second_document: None,
            document_end: None,
        }
    }

    /// Reads the next document; `None` at the end of the stream.
    fn document(
        parser: &mut Parser<'t>,
        text: &'t str,
        mut each: Option<&mut Each<'_, 't>>,
    ) -> Result<Option<Self>, TreeError> {
        let mut tree = Self::empty();
        let mut anchors = HashMap::new();
        // The open collections, each with its last child so far.
        let mut open: Vec<(NodeId, Option<NodeId>)> = Vec::new();
        while let Some(event) = parser.next_event().map_err(TreeError::Syntax)? {
            let Event {
                kind,
                start,
                end,
                dash,
            } = event;
            let (anchor, tag, kind) = match kind {
                EventKind::StreamStart => continue,
                EventKind::DocumentStart { .. } => {
                    tree.start = start.into();
                    continue;
                }
                EventKind::StreamEnd => return Ok(None),
                EventKind::DocumentEnd { explicit } => {
                    tree.document_end = explicit.then(|| start.into());
                    return Ok(Some(tree));
                }
                EventKind::SequenceEnd | EventKind::MappingEnd => {
                    if let Some((id, last)) = open.pop() {
                        let is_bracket = tree.is_flow(id) && start != end;
                        tree.close(id, last, is_bracket.then_some(end));
                        if let Some(each) = &mut each {
                            tree.visit_item(id, &mut open, anchors.is_empty(), each);
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
                tree.visit_item(id, &mut open, anchors.is_empty(), each);
            }
        }
        Ok(None)
    }

    /// Calls `each` with a complete node if it is an item of the document's list, and drops the node if possible.
    fn visit_item(
        &mut self,
        id: NodeId,
        open: &mut [(NodeId, Option<NodeId>)],
        may_drop: bool,
        each: &mut Each<'_, 't>,
    ) {
        let [(list, last)] = open else { return };
        if !matches!(self.node(*list).kind, NodeKind::Sequence { .. }) {
            return;
        }
        each(self, id);
        if may_drop && self.tags.is_empty() {
            let end = self.node(id).end;
            self.nodes.truncate(id.0 as usize);
            let list = &mut self.nodes[list.0 as usize];
            list.end = end;
            list.first_child = 0;
            *last = None;
        }
    }

    fn close(&mut self, id: NodeId, last: Option<NodeId>, bracket: Option<Mark>) {
        // Only a bracket marks the end of a collection; any other one ends with its last child.
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

    /// Returns the root of the document; `None` for an input without any document.
    pub fn root(&self) -> Option<NodeId> {
        (!self.nodes.is_empty()).then_some(NodeId(0))
    }

    /// Returns a node.
    pub fn node(&self, id: NodeId) -> &Node<'t> {
        &self.nodes[id.0 as usize]
    }

    /// Returns the node's tag, with its handle resolved.
    pub fn tag(&self, id: NodeId) -> Option<&str> {
        self.node(id)
            .tagged
            .then(|| self.tags.get(&id.0))?
            .map(String::as_str)
    }

    /// Returns the first item of a list, or the first key of a mapping.
    pub fn first_child(&self, id: NodeId) -> Option<NodeId> {
        link(self.node(id).first_child)
    }

    /// Returns the next item, key or value of the same collection.
    pub fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        link(self.node(id).next_sibling)
    }

    /// Returns a list's items, or a mapping's keys and values in turn.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.first_child(id), |child| self.next_sibling(*child))
    }

    /// Returns a mapping's pairs.
    pub fn pairs(&self, id: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        let mut children = self.children(id);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// Returns the first alias at which the aliases so far add more than `limit` bytes, if each is replaced by what it refers
    /// to; `None` if all add less. A node counts `node_size` bytes in addition to its text. An alias within its own anchor
    /// adds without end.
    pub fn alias_beyond(&self, limit: usize, node_size: usize) -> Option<&Node<'t>> {
        // A node is followed by those below it. For each node, the index after them:
        let mut ends: Vec<usize> = (1..=self.nodes.len()).collect();
        for at in (0..self.nodes.len()).rev() {
            if let Some(last) = self.children(NodeId(narrow(at))).last() {
                ends[at] = ends[last.0 as usize];
            }
        }
        // The bytes before each node, which aliases cannot make larger than text and limit.
        let mut before = Vec::with_capacity(self.nodes.len() + 1);
        let (mut total, mut added) = (0, 0);
        for (at, node) in self.nodes.iter().enumerate() {
            before.push(total);
            total += match &node.kind {
                NodeKind::Scalar { value, .. } => node_size + value.len(),
                NodeKind::Sequence { .. } | NodeKind::Mapping { .. } => node_size,
                NodeKind::Alias { target, .. } => {
                    let (start, end) = (target.0 as usize, ends[target.0 as usize]);
                    let copied = before.get(end).map(|after| after - before[start]);
                    match copied.filter(|copied| added + copied <= limit && end <= at) {
                        Some(copied) => {
                            added += copied;
                            copied
                        }
                        None => return Some(node),
                    }
                }
            };
        }
        None
    }

    /// Returns every node, parents before their children.
    pub fn nodes(&self) -> &[Node<'t>] {
        &self.nodes
    }

    /// Returns this node and those that were read after it.
    pub fn nodes_from(&self, id: NodeId) -> &[Node<'t>] {
        &self.nodes[id.0 as usize..]
    }
}

fn link(number: u32) -> Option<NodeId> {
    (number != 0).then_some(NodeId(number))
}

fn check_size(text: &str) -> Result<(), TreeError> {
    if u32::try_from(text.len()).is_err() {
        return Err(TreeError::Syntax(SyntaxError {
            kind: ErrorKind::Reader,
            message: "an input of more than 4 GiB",
            problem: Mark::default(),
            context: None,
        }));
    }
    Ok(())
}

/// Narrows a number. No input is 4 GiB long, and none has more nodes or lines than bytes.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Returns the start of a second document, even if that is not YAML.
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
