use std::collections::HashSet;

use super::error::{Fault, Reason};
use super::scalar::{self, Plain};
use super::tree::{Kind, Tree};
use crate::yaml::ScalarStyle;

/// A node in its tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'t> {
    pub(super) tree: &'t Tree<'t>,
    pub(super) id: usize,
}

/// One `name: value` of a mapping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'t> {
    pub(super) name: &'t str,
    pub(super) line: usize,
    pub(super) value: Value<'t>,
}

impl<'t> Value<'t> {
    fn kind(self) -> &'t Kind<'t> {
        &self.tree.nodes[self.target()].kind
    }

    fn target(self) -> usize {
        match self.tree.nodes[self.id].kind {
            Kind::Alias(target) => target,
            _ => self.id,
        }
    }

    /// The line of its dash if it has one, else of its first character, from 1.
    pub(super) fn line(self) -> usize {
        self.tree.nodes[self.id].line
    }

    /// Whether it is absent, as far as YAML goes: nothing, `~` or `null`.
    pub(super) fn is_null(self) -> bool {
        self.plain() == Some(Plain::Null)
    }

    /// What YAML 1.1 takes an unquoted scalar for, when that is not text.
    fn plain(self) -> Option<Plain> {
        match self.kind() {
            Kind::Scalar {
                text,
                is_plain: true,
                ..
            } => scalar::plain(text),
            _ => None,
        }
    }

    pub(super) fn is_map(self) -> bool {
        matches!(self.kind(), Kind::Map(_))
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self.kind(), Kind::List(_))
    }

    /// Whether it is a `|` scalar, whose lines are lines of the file.
    pub(super) fn is_literal(self) -> bool {
        matches!(
            self.kind(),
            Kind::Scalar {
                style: ScalarStyle::Literal,
                ..
            }
        )
    }

    /// Its items; `what` names it in the error when it is no list. An empty list is written `[]`: what says nothing
    /// may be an accident.
    pub(super) fn items(self, what: &str) -> Result<impl ExactSizeIterator<Item = Self>, Fault> {
        match self.kind() {
            Kind::List(items) => Ok(items.iter().map(move |&id| Self { id, ..self })),
            _ if self.is_null() => Err(Fault::new(
                self.line(),
                Reason::NoValue {
                    what: what.to_owned(),
                },
            )),
            _ => Err(self.not("a list", what)),
        }
    }

    /// The text of a scalar, whatever YAML takes it for.
    pub(super) fn source(self, what: &str) -> Result<&'t str, Fault> {
        match self.kind() {
            Kind::Scalar {
                text,
                is_tagged: false,
                ..
            } => Ok(text),
            _ => Err(self.not("text", what)),
        }
    }

    /// The text of a scalar that YAML 1.1 takes for text too.
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

    /// `true` or `false`.
    pub(super) fn flag(self, what: &str) -> Result<(), Fault> {
        if self.plain() == Some(Plain::Bool) {
            Ok(())
        } else {
            Err(self.not("true or false", what))
        }
    }

    fn not(self, expected: &'static str, what: &str) -> Fault {
        let found = match (self.kind(), self.plain()) {
            (Kind::List(_), _) => "a list",
            (Kind::Map(_), _) => "a mapping",
            (Kind::Scalar { .. }, Some(plain)) => plain.name(),
            (
                Kind::Scalar {
                    is_tagged: true, ..
                },
                _,
            ) => "a tagged value",
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

    /// Its fields in the order written, those of merge keys last; a field written here wins over a merged one.
    pub(super) fn fields(self, what: &str) -> Result<Vec<Field<'t>>, Fault> {
        let mut fields = Vec::new();
        let mut names = HashSet::new();
        // A mapping merged twice adds nothing, so that each is looked at once, however aliases loop.
        let mut seen = HashSet::from([self.target()]);
        let mut queue = vec![self];
        while let Some(map) = queue.pop() {
            let Kind::Map(children) = map.kind() else {
                return Err(map.not("a mapping", what));
            };
            let mut merged = Vec::new();
            for pair in children.chunks_exact(2) {
                let (key, value) = (
                    Self {
                        id: pair[0],
                        ..self
                    },
                    Self {
                        id: pair[1],
                        ..self
                    },
                );
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
        matches!(self.kind(), Kind::Scalar { text, is_plain: true, .. } if text == "<<")
    }

    /// The mappings that a merge key names.
    fn merged(self, what: &str) -> Result<Vec<Self>, Fault> {
        match self.kind() {
            Kind::Map(_) => Ok(vec![self]),
            Kind::List(items) => Ok(items.iter().map(|&id| Self { id, ..self }).collect()),
            _ => Err(self.not("a mapping", what)),
        }
    }
}
