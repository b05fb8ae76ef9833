//! Places that stand for themselves, so that changing them changes nothing else.

use std::collections::HashMap;

use super::tree::{Kind, NodeId, Property, Style, Tree};

/// Why a place can't be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It stands for something written elsewhere, or something else stands for it.
    Indirect {
        /// From 1.
        line: usize,
        /// `the alias *x` and the like.
        what: String,
    },
    /// A mapping has a key twice.
    Duplicate {
        /// Where the second stands, from 1.
        line: usize,
        key: String,
        /// Where the first stands.
        first: usize,
    },
    /// It is something else than it should be.
    WrongKind {
        /// From 1.
        line: usize,
        /// What it is.
        what: &'static str,
    },
}

/// A node without anchor or tag that is no alias.
pub(crate) fn node(tree: &Tree, id: NodeId) -> Result<(), Obstacle> {
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

/// A mapping or null that may be changed: no key twice, no merge key, none behind `?`.
pub(crate) fn mapping(tree: &Tree, id: NodeId) -> Result<(), Obstacle> {
    node(tree, id)?;
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
        node(tree, pair.key)?;
        let indirect = |what: &str| Obstacle::Indirect {
            line,
            what: what.to_owned(),
        };
        if key == "<<" && tree.style(pair.key) == Some(Style::Plain) {
            return Err(indirect("the merge key <<"));
        }
        if !tree.is_flow(id) && tree.node(pair.key).column != tree.node(id).column {
            return Err(indirect("a key behind `?`"));
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
