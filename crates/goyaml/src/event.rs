//! The events that the parser produces.

use std::borrow::Cow;

/// A position in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Byte offset.
    pub offset: usize,
    /// Line, from 0. As in YAML 1.1, NEL, LS and PS end a line too.
    pub line: usize,
    /// Column in characters, from 0.
    pub column: usize,
    /// The number of characters before this position.
    pub chars: usize,
}

/// The style of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// `plain`
    Plain,
    /// `'single'`
    SingleQuoted,
    /// `"double"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'t> {
    pub kind: EventKind<'t>,
    /// The start. The anchor and tag of a node are part of it.
    pub start: Mark,
    /// The end. For a block collection, this is the start of the next token.
    pub end: Mark,
    /// The `-` before an item of a block sequence.
    pub dash: Option<Mark>,
}

/// The kind of an [`Event`].
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind<'t> {
    /// The text begins.
    StreamStart,
    /// The text ends.
    StreamEnd,
    /// A document begins.
    DocumentStart {
        /// Whether it begins with `---`.
        explicit: bool,
    },
    DocumentEnd {
        /// Whether it ends with `...`.
        explicit: bool,
    },
    /// `*anchor`
    Alias {
        anchor: &'t str,
    },
    /// A scalar. An absent one, as in `key:`, is plain and empty.
    Scalar {
        anchor: Option<&'t str>,
        /// The tag, with its handle resolved.
        tag: Option<String>,
        /// The decoded text.
        value: Cow<'t, str>,
        style: ScalarStyle,
        /// Whether its type is resolved from its text: it is plain without a tag, or its tag is only `!`.
        implicit: bool,
    },
    /// A list begins.
    SequenceStart {
        anchor: Option<&'t str>,
        /// The tag, with its handle resolved.
        tag: Option<String>,
        /// Whether it is written in brackets.
        flow: bool,
    },
    /// A list ends.
    SequenceEnd,
    /// A mapping begins; keys and values alternate.
    MappingStart {
        anchor: Option<&'t str>,
        /// The tag, with its handle resolved.
        tag: Option<String>,
        /// Whether it is written in braces, or is a pair in brackets as in `[a: b]`.
        flow: bool,
    },
    MappingEnd,
}
