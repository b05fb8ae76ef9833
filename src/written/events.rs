//! YAML events to nodes.

use std::collections::HashSet;

use super::Broken;
use super::tree::{Kind, Node, NodeId, Pair, Property, Style, Tree};
use crate::yaml::{EventKind, Parser, ScalarStyle};

const FORMAT: &str = "YAML";

/// Reads every document of a YAML stream.
pub(crate) fn read(text: &str) -> Result<Tree, Broken> {
    let mut tree = Tree::new(false);
    let mut parser = Parser::new(text);
    let mut anchors: HashSet<&str> = HashSet::new();
    // Open collections, and of each mapping the key whose value is awaited.
    let mut open: Vec<(NodeId, Option<NodeId>)> = Vec::new();
    while let Some(event) = next(&mut parser, &tree)? {
        let line = event.start.line + 1;
        let broken = |tree: &Tree, problem| Broken {
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
                return Err(broken(
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
                    style: spelt(style),
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
                attach(&mut tree, *parent, key, id)
                    .map_err(|problem| broken(&tree, problem.to_owned()))?;
            }
        }
        if opens {
            open.push((id, None));
        }
    }
    Ok(tree)
}

fn next<'t>(
    parser: &mut Parser<'t>,
    tree: &Tree,
) -> Result<Option<crate::yaml::Event<'t>>, Broken> {
    parser.next_event().map_err(|error| Broken {
        format: FORMAT,
        problem: error.message.to_owned(),
        line: error.problem.line + 1,
        document: tree.roots.len().saturating_sub(1),
    })
}

/// Hangs a node below the collection that is open.
fn attach(
    tree: &mut Tree,
    parent: NodeId,
    awaiting: &mut Option<NodeId>,
    id: NodeId,
) -> Result<(), &'static str> {
    let is_collection = matches!(
        tree.node(id).kind,
        Kind::Sequence { .. } | Kind::Mapping { .. }
    );
    match &mut tree.node_mut(parent).kind {
        Kind::Sequence { items, .. } => items.push(id),
        Kind::Mapping { pairs, .. } => match awaiting.take() {
            Some(key) => pairs.push(Pair { key, value: id }),
            // No Kubernetes object has such a key, and `{{ x }}` is one to YAML.
            None if is_collection => return Err("a mapping or list stands where a key should"),
            None => *awaiting = Some(id),
        },
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
    Ok(())
}

fn spelt(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
