use super::{Field, Span};

/// Something in an entry that the authenticator passes over in silence, or that is not of the type it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// The item is no mapping.
    NotAMapping(Shape),
    /// A field without a meaning. Merge keys and `userid`, which is known but never consulted, are none.
    UnknownField(Field),
    /// A field that stands there again, in whatever letter case.
    Repeated {
        /// The one that is written first.
        earlier: Field,
        /// The one that is written next.
        later: Field,
    },
    /// A value of a type that the field does not have, null as an element of `groups` included. It counts as not there,
    /// as an element of a list as an empty text.
    Mistyped {
        /// The field as the authenticator spells it, such as `groups` or `sso.accountID`.
        field: &'static str,
        /// Whether it is one element of the list that the field is.
        in_list: bool,
        /// What it is.
        found: Shape,
        /// Its bytes; behind an alias, those of its anchor.
        span: Span,
    },
}

/// What a value is to the authenticator's reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `~`, `null`, or nothing at all.
    Null,
    /// `true`, `yes`, `off` and the like, without quotes.
    Boolean,
    /// A number without quotes.
    Number,
    /// Text.
    Text,
    /// A list.
    List,
    /// A mapping.
    Mapping,
}

impl Shape {
    /// As messages say it.
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
