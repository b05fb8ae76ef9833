use std::borrow::Cow;
use std::collections::HashMap;

use super::error::{Fault, Reason};
use super::value::Value;
use crate::yaml::{Event, EventKind, Parser, ScalarStyle, SyntaxError};

/// One YAML document, every node with its line.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    /// Where the document begins, with its `---` if it has one, from 1.
    pub(super) line: usize,
    pub(super) nodes: Vec<Node<'t>>,
}

/// A node and the line of its dash if it has one, else of its first character, from 1.
#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) line: usize,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug)]
pub(super) enum Kind<'t> {
    Scalar {
        text: Cow<'t, str>,
        style: ScalarStyle,
        is_plain: bool,
        is_tagged: bool,
    },
    List(Vec<usize>),
    /// Keys and values in turn.
    Map(Vec<usize>),
    /// Another name of an earlier node, which is no alias.
    Alias(usize),
}

const STRING_TAG: &str = "tag:yaml.org,2002:str";

/// Every document of the stream, those that hold nothing at all included.
pub(super) fn documents(text: &str) -> Result<Vec<Tree<'_>>, Fault> {
    let mut parser = Parser::new(text);
    let mut trees = Vec::new();
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event().map_err(syntax)? {
        match event.kind {
            EventKind::DocumentStart { .. } => builder.line = event.start.line + 1,
            EventKind::DocumentEnd { .. } => {
                let Builder { line, nodes, .. } = std::mem::take(&mut builder);
                trees.push(Tree { line, nodes });
            }
            _ => builder.take(event)?,
        }
    }
    Ok(trees)
}

fn syntax(error: SyntaxError) -> Fault {
    Fault::new(
        error.problem.line + 1,
        Reason::Yaml(error.message.to_owned()),
    )
}

#[derive(Debug, Default)]
struct Builder<'t> {
    line: usize,
    nodes: Vec<Node<'t>>,
    anchors: HashMap<&'t str, usize>,
    /// Collections that are not closed yet, outermost first.
    open: Vec<usize>,
}

impl<'t> Builder<'t> {
    fn take(&mut self, event: Event<'t>) -> Result<(), Fault> {
        let line = event.dash.unwrap_or(event.start).line + 1;
        let (anchor, kind) = match event.kind {
            EventKind::StreamStart
            | EventKind::StreamEnd
            | EventKind::DocumentStart { .. }
            | EventKind::DocumentEnd { .. } => return Ok(()),
            EventKind::SequenceEnd | EventKind::MappingEnd => {
                self.open.pop();
                return Ok(());
            }
            EventKind::Alias { anchor } => {
                let target = self.anchors.get(anchor).copied();
                let target = target.ok_or_else(|| {
                    Fault::new(line, Reason::Yaml(format!("unknown anchor `{anchor}`")))
                })?;
                (None, Kind::Alias(target))
            }
            EventKind::Scalar {
                anchor,
                tag,
                value,
                style,
                implicit,
            } => {
                let is_plain = implicit && style == ScalarStyle::Plain;
                let is_tagged = tag.is_some_and(|tag| tag != STRING_TAG && tag != "!");
                (
                    anchor,
                    Kind::Scalar {
                        text: value,
                        style,
                        is_plain,
                        is_tagged,
                    },
                )
            }
            EventKind::SequenceStart { anchor, .. } => (anchor, Kind::List(Vec::new())),
            EventKind::MappingStart { anchor, .. } => (anchor, Kind::Map(Vec::new())),
        };
        let id = self.nodes.len();
        if let Some(Kind::List(children) | Kind::Map(children)) =
            self.open.last().map(|&parent| &mut self.nodes[parent].kind)
        {
            children.push(id);
        }
        if matches!(kind, Kind::List(_) | Kind::Map(_)) {
            self.open.push(id);
        }
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        self.nodes.push(Node { line, kind });
        Ok(())
    }
}

impl Tree<'_> {
    /// Its outermost node.
    pub(super) fn root(&self) -> Value<'_> {
        Value { tree: self, id: 0 }
    }
}
