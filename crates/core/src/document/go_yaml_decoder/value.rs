//! The generic values that a document is decoded into.

use std::borrow::Cow;

use goyaml::NodeId;

use crate::document::decode_warning::Shape;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::document) struct ValueId(pub(super) u32);

/// A value, and the node that it was decoded from.
#[derive(Debug)]
pub(in crate::document) struct Value<'t> {
    pub(in crate::document) node: NodeId,
    pub(in crate::document) kind: Kind<'t>,
}

#[derive(Debug)]
pub(in crate::document) enum Kind<'t> {
    Null,
    Bool,
    /// `Err` contains what Go prints for a number that JSON cannot represent.
    Number(Result<(), &'static str>),
    Text(Cow<'t, str>),
    List(Vec<ValueId>),
    /// In the byte order of the keys, each once.
    Map(Vec<(Key<'t>, ValueId)>),
}

/// A key of a mapping. Only a string can be the name of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::document) enum Key<'t> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(u64),
    Text(Cow<'t, str>),
}

/// The values of one item, or of a whole document that is not a list.
#[derive(Debug, Default)]
pub(in crate::document) struct Decoded<'t> {
    pub(super) values: Vec<Value<'t>>,
}

impl<'t> Decoded<'t> {
    pub(in crate::document) fn value(&self, id: ValueId) -> &Value<'t> {
        &self.values[id.0 as usize]
    }

    /// Returns this value and those in it with their depths, in document order (maps in key order).
    pub(super) fn walk(
        &self,
        root: ValueId,
        depth: usize,
    ) -> impl Iterator<Item = (&Value<'t>, usize)> {
        let mut stack = vec![(root, depth)];
        std::iter::from_fn(move || {
            let (id, depth) = stack.pop()?;
            let value = self.value(id);
            match &value.kind {
                Kind::List(items) => {
                    stack.extend(items.iter().rev().map(|item| (*item, depth + 1)));
                }
                Kind::Map(pairs) => {
                    stack.extend(pairs.iter().rev().map(|(_, value)| (*value, depth + 1)));
                }
                _ => {}
            }
            Some((value, depth))
        })
    }
}

impl Kind<'_> {
    /// Returns the type of the value.
    pub(in crate::document) fn shape(&self) -> Shape {
        match self {
            Self::Null => Shape::Null,
            Self::Bool => Shape::Boolean,
            Self::Number(_) => Shape::Number,
            Self::Text(_) => Shape::Text,
            Self::List(_) => Shape::List,
            Self::Map(_) => Shape::Mapping,
        }
    }

    /// Returns the name that Go's JSON decoder uses.
    pub(in crate::document) fn json_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Map(_) => "object",
        }
    }
}

impl Key<'_> {
    /// Returns the string, if the key can name a field.
    pub(in crate::document) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
