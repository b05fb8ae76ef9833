//! Reads YAML events into a tree.

use std::collections::HashSet;

use super::span_tree::{Kind, Node, NodeId, Property, ReadError, Style, Tree};
use crate::{EventKind, Parser, ScalarStyle};

const FORMAT: &str = "YAML";

/// Reads every document of a YAML stream.
pub(super) fn read(text: &str) -> Result<Tree, ReadError> {
    let mut tree = Tree::new(false);
    let mut parser = Parser::new(text);
    let mut anchors: HashSet<&str> = HashSet::new();
    // The open collections. For a mapping, also the key that has no value yet.
    let mut open: Vec<(NodeId, Option<NodeId>)> = Vec::new();
    while let Some(event) = next(&mut parser, &tree)? {
        let line = event.start.line + 1;
        let error = |tree: &Tree, problem| ReadError {
            format: FORMAT,
            problem,
            line,
            document: tree.roots.len().saturating_sub(1),
        };
        let (kind, anchor, tag) = match event.kind {
            EventKind::StreamStart | EventKind::StreamEnd | EventKind::DocumentEnd { .. } => {
                continue;
            }
            EventKind::DocumentStart { .. } => {
                anchors.clear();
                continue;
            }
            EventKind::SequenceEnd | EventKind::MappingEnd => {
                if let Some((id, _)) = open.pop() {
                    tree.node_mut(id).span.end = event.end.offset;
                }
                continue;
            }
            EventKind::Alias { anchor } if !anchors.contains(anchor) => {
                return Err(error(
                    &tree,
                    format!("unknown anchor '{anchor}' referenced"),
                ));
            }
            EventKind::Alias { anchor } => (Kind::Alias(anchor.to_owned()), None, None),
            EventKind::Scalar {
                anchor,
                tag,
                value,
                style,
                ..
            } => (
                Kind::Scalar {
                    value: value.into_owned(),
                    style: style_of(style),
                },
                anchor,
                tag,
            ),
            EventKind::SequenceStart { anchor, tag, flow } => (
                Kind::Sequence {
                    flow,
                    items: Vec::new(),
                },
                anchor,
                tag,
            ),
            EventKind::MappingStart { anchor, tag, flow } => (
                Kind::Mapping {
                    flow,
                    pairs: Vec::new(),
                },
                anchor,
                tag,
            ),
        };
        anchors.extend(anchor);
        let opens = matches!(kind, Kind::Sequence { .. } | Kind::Mapping { .. });
        let id = tree.add(Node {
            span: event.start.offset..event.end.offset,
            line,
            column: event.start.column,
            dash: event.dash.map(|dash| dash.offset),
            property: anchor
                .map(|name| Property::Anchor(name.to_owned()))
                .or(tag.map(Property::Tag)),
            kind,
        });
        match open.last_mut() {
            None => tree.roots.push(id),
            Some((parent, key)) => {
                tree.attach(*parent, key, id)
                    .map_err(|problem| error(&tree, problem.to_owned()))?;
            }
        }
        if opens {
            open.push((id, None));
        }
    }
    Ok(tree)
}

fn next<'t>(parser: &mut Parser<'t>, tree: &Tree) -> Result<Option<crate::Event<'t>>, ReadError> {
    parser.next_event().map_err(|error| ReadError {
        format: FORMAT,
        problem: error.message.to_owned(),
        line: error.problem.line + 1,
        document: tree.roots.len().saturating_sub(1),
    })
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
