//! Warnings about content of an entry that the authenticator accepts without an error, but ignores or reads differently.

use super::{Field, Span};

/// A warning about an item of a section, or about one of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeWarning {
    /// The item is not a mapping.
    NotAMapping(Shape),
    /// An unknown field. Merge keys, and `userid`, which is known but never used, are not included.
    UnknownField(Field),
    /// A field that is repeated, ignoring case.
    Repeated {
        /// The field that comes first.
        earlier: Field,
        /// The field that repeats it.
        later: Field,
    },
    /// A value of the wrong type, including null as an element of `groups`. The authenticator treats it as absent, or as an
    /// empty string if it is an element of a list.
    Mistyped {
        /// The field as the authenticator spells it, such as `groups` or `sso.accountID`.
        field: &'static str,
        /// Whether it is an element of a list.
        in_list: bool,
        found: Shape,
        /// The bytes of the value; for an alias, of the anchored value.
        span: Span,
    },
}

/// The type of a value as the authenticator reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `~`, `null`, or an absent value.
    Null,
    /// `true`, `yes`, `off` and the like, without quotes.
    Boolean,
    /// A number without quotes.
    Number,
    Text,
    List,
    Mapping,
}

impl Shape {
    /// Returns the name that messages use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        }
    }
}
