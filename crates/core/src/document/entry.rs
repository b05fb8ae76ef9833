//! Entries of a section and the positions of their fields.

use super::{DecodeWarning, Mapping, Span};

/// An item of a section, as written, with its position.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The bytes of the value: from the first field (or the opening brace) to the end of the last scalar (or the closing brace).
    pub span: Span,
    /// The offset of the dash; `None` in flow style.
    pub dash: Option<usize>,
    /// The line of the dash or first byte within the section, from 1.
    pub line: usize,
    /// The mapping that the authenticator reads, or why it drops the entry.
    pub status: Status,
    /// The positions of the fields.
    pub fields: Fields,
    /// Content that has no effect, or not the effect that it seems to have.
    pub decode_warnings: Vec<DecodeWarning>,
}

impl Entry {
    /// Returns the mapping; `None` if the authenticator drops the entry.
    pub fn mapping(&self) -> Option<&Mapping> {
        match &self.status {
            Status::Kept(mapping) => Some(mapping),
            Status::Dropped { .. } => None,
        }
    }

    /// Returns the mapping as far as it could be read, whether or not the authenticator keeps the entry.
    pub(crate) fn written_mapping(&self) -> &Mapping {
        match &self.status {
            Status::Kept(mapping) | Status::Dropped { mapping, .. } => mapping,
        }
    }
}

/// What the authenticator does with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is stored. A later entry with the same key may still replace it.
    Kept(Mapping),
    /// It is dropped.
    Dropped {
        /// The fields that could be read. The principal may be empty.
        mapping: Mapping,
        /// The authenticator's message.
        reason: String,
    },
}

/// The positions of the fields that define an entry's meaning.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// `rolearn`, `userarn`, or the account itself.
    pub principal: Option<Field>,
    pub sso: Option<Field>,
    pub username: Option<Field>,
    pub groups: Option<Field>,
    /// The elements of `groups`.
    pub group_items: Vec<GroupItem>,
    /// Whether `groups` is a list, as it must be.
    pub groups_are_list: bool,
    /// Whether a field is repeated, ignoring case.
    pub is_repeated: bool,
    /// Whether a field has a value of the wrong type, which the authenticator ignores.
    pub is_mistyped: bool,
    /// Whether the entry has unknown fields.
    pub has_unknown: bool,
    /// Whether the entry is in flow style.
    pub is_flow: bool,
}

/// One `key: value` of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The key's bytes.
    pub key: Span,
    /// The value's bytes, quotes and brackets included; empty for an absent value.
    pub value: Span,
}

/// One element of `groups`, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupItem {
    /// The bytes of the element, quotes included.
    pub span: Span,
    /// The offset of the dash; `None` in flow style.
    pub dash: Option<usize>,
}
