//! YAML values: aliases and merge keys are followed, and types are checked.

use std::collections::HashSet;

use super::error::{Fault, Reason};
use crate::document::{MAX_COPIED, NODE_SIZE};
use goyaml::{NodeId, NodeKind, Resolved, ScalarStyle, Tree, TreeError, resolve};

/// A node of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'t> {
    tree: &'t Tree<'t>,
    id: NodeId,
}

/// The types that YAML 1.1 gives to unquoted scalars that are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Null,
    Bool,
    Number,
}

impl Plain {
    const fn name(self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Bool => "a boolean",
            Self::Number => "a number",
        }
    }
}

/// A `name: value` of a mapping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'t> {
    pub(super) name: &'t str,
    pub(super) line: usize,
    pub(super) value: Value<'t>,
}

impl<'t> Value<'t> {
    fn kind(self) -> &'t NodeKind<'t> {
        &self.tree.node(self.target()).kind
    }

    fn target(self) -> NodeId {
        match self.tree.node(self.id).kind {
            NodeKind::Alias { target, .. } => target,
            _ => self.id,
        }
    }

    fn child(self, id: NodeId) -> Self {
        Self { id, ..self }
    }

    /// Returns the tag of a scalar, unless it only marks the scalar as text.
    fn tag(self) -> Option<&'t str> {
        self.tree
            .tag(self.target())
            .filter(|tag| !matches!(*tag, "tag:yaml.org,2002:str" | "!"))
    }

    /// Returns the line of its dash if it has one, else of its first character, from 1.
    pub(super) fn line(self) -> usize {
        let node = self.tree.node(self.id);
        node.dash.unwrap_or(node.start).line() + 1
    }

    /// Returns whether YAML treats it as absent: nothing, `~` or `null`.
    pub(super) fn is_null(self) -> bool {
        self.plain() == Some(Plain::Null)
    }

    /// Returns the type of an unquoted scalar that is not text.
    fn plain(self) -> Option<Plain> {
        match self.kind() {
            NodeKind::Scalar {
                value,
                style: ScalarStyle::Plain,
                implicit: true,
            } => plain(value),
            _ => None,
        }
    }

    pub(super) fn is_map(self) -> bool {
        matches!(self.kind(), NodeKind::Mapping { .. })
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self.kind(), NodeKind::Sequence { .. })
    }

    /// Returns whether it is a `|` scalar, whose lines are lines of the file.
    pub(super) fn is_literal(self) -> bool {
        matches!(
            self.kind(),
            NodeKind::Scalar {
                style: ScalarStyle::Literal,
                ..
            }
        )
    }

    /// Returns its items. `what` names it in the error if it is not a list. An empty list is written `[]`, because an
    /// absent value may be an accident.
    pub(super) fn items(
        self,
        what: &str,
    ) -> Result<impl ExactSizeIterator<Item = Self> + use<'t>, Fault> {
        if self.is_list() {
            let items: Vec<_> = self.tree.children(self.target()).collect();
            return Ok(items.into_iter().map(move |id| self.child(id)));
        }
        if self.is_null() {
            let what = what.to_owned();
            return Err(Fault::new(self.line(), Reason::NoValue { what }));
        }
        Err(self.not("a list", what))
    }

    /// Returns the text of a scalar of any type, as written.
    pub(super) fn source(self, what: &str) -> Result<&'t str, Fault> {
        match self.kind() {
            NodeKind::Scalar { value, .. } if self.tag().is_none() => Ok(value),
            _ => Err(self.not("text", what)),
        }
    }

    /// Returns the text of a scalar that YAML 1.1 reads as text.
    pub(super) fn text(self, what: &str) -> Result<&'t str, Fault> {
        let text = self.source(what)?;
        match self.plain() {
            None => Ok(text),
            Some(Plain::Null) => Err(self.not("text", what)),
            Some(plain) => {
                let reason = Reason::Unquoted {
                    what: what.to_owned(),
                    text: text.to_owned(),
                    kind: plain.name(),
                };
                Err(Fault::new(self.line(), reason))
            }
        }
    }

    /// Returns whether it is `true`; an error if it is neither `true` nor `false`.
    pub(super) fn flag(self, what: &str) -> Result<bool, Fault> {
        match (self.plain(), resolve(None, self.source(what)?)) {
            (Some(Plain::Bool), Ok(Resolved::Bool(is_true))) => Ok(is_true),
            _ => Err(self.not("true or false", what)),
        }
    }

    fn not(self, expected: &'static str, what: &str) -> Fault {
        let found = match (self.kind(), self.plain()) {
            (NodeKind::Sequence { .. }, _) => "a list",
            (NodeKind::Mapping { .. }, _) => "a mapping",
            (_, Some(plain)) => plain.name(),
            (NodeKind::Scalar { .. }, None) if self.tag().is_some() => "a tagged value",
            _ => "text",
        };
        Fault::new(
            self.line(),
            Reason::WrongType {
                what: what.to_owned(),
                expected,
                found,
            },
        )
    }

    /// Returns its fields in the order written, those of merge keys last. A field of the mapping itself wins over a merged
    /// one.
    pub(super) fn fields(self, what: &str) -> Result<Vec<Field<'t>>, Fault> {
        let mut fields = Vec::new();
        let mut names = HashSet::new();
        // A mapping merged twice adds nothing, so each one is visited once, even if aliases loop.
        let mut seen = HashSet::from([self.target()]);
        let mut queue = vec![self];
        while let Some(map) = queue.pop() {
            if !map.is_map() {
                return Err(map.not("a mapping", what));
            }
            let mut merged = Vec::new();
            for (key, value) in self.tree.pairs(map.target()) {
                let (key, value) = (self.child(key), self.child(value));
                if key.is_merge() {
                    merged.extend(
                        value
                            .merged(what)?
                            .into_iter()
                            .filter(|map| seen.insert(map.target())),
                    );
                    continue;
                }
                let name = key.source("a field's name")?;
                if names.insert(name) {
                    fields.push(Field {
                        name,
                        line: key.line(),
                        value,
                    });
                } else if map.target() == self.target() {
                    return Err(Fault::new(
                        key.line(),
                        Reason::Twice {
                            field: name.to_owned(),
                        },
                    ));
                }
            }
            queue.extend(merged.into_iter().rev());
        }
        Ok(fields)
    }

    fn is_merge(self) -> bool {
        matches!(
            self.kind(),
            NodeKind::Scalar { value, style: ScalarStyle::Plain, implicit: true } if value == "<<"
        )
    }

    /// Returns the mappings that a merge key names.
    fn merged(self, what: &str) -> Result<Vec<Self>, Fault> {
        match self.kind() {
            NodeKind::Mapping { .. } => Ok(vec![self]),
            NodeKind::Sequence { .. } => {
                let items = self.tree.children(self.target());
                Ok(items.map(|id| self.child(id)).collect())
            }
            _ => Err(self.not("a mapping", what)),
        }
    }
}

/// Reads every document of a stream, including empty ones.
pub(super) fn documents(text: &str) -> Result<Vec<Tree<'_>>, Fault> {
    let trees = unchecked_documents(text)?;
    trees.iter().try_for_each(check_aliases)?;
    Ok(trees)
}

/// Returns an error if the aliases of a document add more than awsauth reads: each value that an alias refers to is copied.
pub(super) fn check_aliases(tree: &Tree<'_>) -> Result<(), Fault> {
    match tree.alias_beyond(MAX_COPIED, NODE_SIZE) {
        None => Ok(()),
        Some(alias) => Err(Fault::new(alias.start.line() + 1, Reason::Aliases)),
    }
}

/// Like [`documents`], also if their aliases add more than awsauth reads.
pub(super) fn unchecked_documents(text: &str) -> Result<Vec<Tree<'_>>, Fault> {
    Tree::read_all(text).map_err(|error| match error {
        TreeError::Syntax(error) => Fault::new(
            error.problem.line + 1,
            Reason::Yaml(error.message.to_owned()),
        ),
        TreeError::UnknownAnchor { name, at } => Fault::new(
            at.line + 1,
            Reason::Yaml(format!("unknown anchor `{name}`")),
        ),
    })
}

/// Returns the outermost value of a document.
pub(super) fn root<'t>(tree: &'t Tree<'t>) -> Option<Value<'t>> {
    tree.root().map(|id| Value { tree, id })
}

/// Returns the type of an unquoted scalar; `None` for a string. In doubt, it is a number: quoting a string does no harm.
fn plain(text: &str) -> Option<Plain> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let may_be_number = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    match resolve(None, text) {
        Ok(Resolved::Null) => Some(Plain::Null),
        Ok(Resolved::Bool(_)) => Some(Plain::Bool),
        Ok(Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_)) => Some(Plain::Number),
        // A number that go-yaml reads as text because it is too large.
        _ => {
            (may_be_number && text.replace('_', "").parse::<f64>().is_ok()).then_some(Plain::Number)
        }
    }
}
