//! Checks that a node can be changed without changing anything else: it has no anchor, alias, tag or merge key.

use std::collections::HashMap;

use super::span_tree::{Kind, NodeId, Property, Style, Tree};

/// Why a node cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its value is written elsewhere, or another node refers to it.
    Indirect {
        /// The line in the file, from 1.
        line: usize,
        /// What makes it so, such as `the alias *x`.
        what: String,
    },
    /// A mapping has a key twice.
    Duplicate {
        /// The line of the second one, from 1.
        line: usize,
        key: String,
        /// The line of the first one.
        first: usize,
    },
    /// It is not a mapping.
    WrongKind {
        /// The line in the file, from 1.
        line: usize,
        /// What it is instead.
        what: &'static str,
    },
}

/// Checks that a node is not an alias and has no anchor or tag.
///
/// # Errors
/// If it has.
pub fn check_node(tree: &Tree, id: NodeId) -> Result<(), Obstacle> {
    let node = tree.node(id);
    let what = match (&node.kind, &node.property) {
        (Kind::Alias(name), _) => format!("the alias *{name}"),
        (_, Some(Property::Anchor(name))) => format!("the anchor &{name}"),
        (_, Some(Property::Tag(tag))) => {
            format!("the tag {}", tag.replace("tag:yaml.org,2002:", "!!"))
        }
        _ => return Ok(()),
    };
    Err(Obstacle::Indirect {
        line: node.line,
        what,
    })
}

/// Checks that a node is a mapping or null, and that its keys are unique, not merged, and not written with `?`.
///
/// # Errors
/// The first key, or the node itself, that cannot be changed.
pub fn check_mapping(tree: &Tree, id: NodeId) -> Result<(), Obstacle> {
    check_node(tree, id)?;
    let line = tree.node(id).line;
    match &tree.node(id).kind {
        Kind::Mapping { .. } => {}
        Kind::Sequence { .. } => {
            return Err(Obstacle::WrongKind {
                line,
                what: "a list",
            });
        }
        _ if tree.is_null(id) => {}
        _ => {
            return Err(Obstacle::WrongKind {
                line,
                what: "a scalar",
            });
        }
    }
    let mut seen = HashMap::new();
    for pair in tree.pairs(id) {
        let line = tree.node(pair.key).line;
        let key = tree.scalar(pair.key).unwrap_or_default();
        check_node(tree, pair.key)?;
        let indirect = |what: &str| Obstacle::Indirect {
            line,
            what: what.to_owned(),
        };
        if key == "<<" && tree.style(pair.key) == Some(Style::Plain) {
            return Err(indirect("the merge key <<"));
        }
        if !tree.is_flow(id) && tree.node(pair.key).column != tree.node(id).column {
            return Err(indirect("a key after `?`"));
        }
        if let Some(first) = seen.insert(key, line) {
            return Err(Obstacle::Duplicate {
                line,
                key: key.to_owned(),
                first,
            });
        }
    }
    Ok(())
}
