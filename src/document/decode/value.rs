//! The generic values that a document decodes to.

use std::borrow::Cow;

use crate::yaml::NodeId;

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
    /// `Err` holds what Go prints for a number that JSON does not have.
    Number(Result<(), &'static str>),
    Text(Cow<'t, str>),
    List(Vec<ValueId>),
    /// In the byte order of the keys, each once.
    Map(Vec<(Key<'t>, ValueId)>),
}

/// A mapping's key. Only text can be the name of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::document) enum Key<'t> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(u64),
    Text(Cow<'t, str>),
}

/// The values of one item, or of a whole document that is no list.
#[derive(Debug, Default)]
pub(in crate::document) struct Decoded<'t> {
    pub(super) values: Vec<Value<'t>>,
}

impl<'t> Decoded<'t> {
    pub(in crate::document) fn value(&self, id: ValueId) -> &Value<'t> {
        &self.values[id.0 as usize]
    }

    /// This value and those in it, in document order (maps in key order), each with its depth.
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
