use super::{Mapping, Oddity, Span};

/// One list item of a section, as written, with its place.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The bytes of its value: from the first field (or the opening brace) to the end of the last scalar (or the closing brace).
    pub span: Span,
    /// Where its dash stands; `None` inside brackets.
    pub dash: Option<usize>,
    /// Line in the section's own text where its dash or first byte stands, from 1.
    pub line: usize,
    /// What it means to the authenticator, or why the authenticator drops it.
    pub status: Status,
    /// Where its fields stand.
    pub fields: Fields,
    /// What in it has no effect, or another than its author may think.
    pub oddities: Vec<Oddity>,
}

impl Entry {
    /// What it means, `None` when the authenticator drops it.
    pub fn mapping(&self) -> Option<&Mapping> {
        match &self.status {
            Status::Kept(mapping) => Some(mapping),
            Status::Dropped { .. } => None,
        }
    }
}

/// What the authenticator does with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It goes into the store. A later entry with the same key may still replace it there.
    Kept(Mapping),
    /// It is dropped.
    Dropped {
        /// What could be read of it all the same; its principal may be empty.
        mapping: Mapping,
        /// The authenticator's own words.
        reason: String,
    },
}

/// The fields of an entry that decide its meaning, each where it stands in the text.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// `rolearn`, `userarn`, or the account itself.
    pub principal: Option<Field>,
    /// `sso`
    pub sso: Option<Field>,
    /// `username`
    pub username: Option<Field>,
    /// `groups`
    pub groups: Option<Field>,
    /// The elements of `groups`.
    pub group_items: Vec<GroupItem>,
    /// Whether `groups` is a list, as it must be.
    pub groups_are_list: bool,
    /// Whether one of them stands there more than once, in any letter case.
    pub repeated: bool,
    /// Whether one of them has a value of the wrong type, which the authenticator leaves out.
    pub mistyped: bool,
    /// Whether it has fields that mean nothing.
    pub others: bool,
    /// Whether the entry is written in braces.
    pub flow: bool,
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
    /// Its bytes, quotes included.
    pub span: Span,
    /// Where its dash stands; `None` inside brackets.
    pub dash: Option<usize>,
}
