//! Events of the parser.

use std::borrow::Cow;

/// A place in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Byte offset.
    pub offset: usize,
    /// Line, from 0. NEL, LS and PS end a line too, as YAML 1.1 has it.
    pub line: usize,
    /// Column in characters, from 0.
    pub column: usize,
    /// Characters before this place.
    pub chars: usize,
}

/// How a scalar is spelt.
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

/// One step of the parse.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'t> {
    /// What happened.
    pub kind: EventKind<'t>,
    /// Where it starts; a node's anchor and tag are part of it.
    pub start: Mark,
    /// Where it ends. The end of a block collection is where the next token stands.
    pub end: Mark,
    /// The `-` in front of a node that is an item of a block sequence.
    pub dash: Option<Mark>,
}

/// What an [`Event`] says.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind<'t> {
    /// The text begins.
    StreamStart,
    /// The text ends.
    StreamEnd,
    /// A document begins.
    DocumentStart {
        /// With `---`.
        explicit: bool,
    },
    /// A document ends.
    DocumentEnd {
        /// With `...`.
        explicit: bool,
    },
    /// `*anchor`
    Alias {
        /// Its name.
        anchor: &'t str,
    },
    /// A scalar. One that is not there (`key:`) is plain and empty.
    Scalar {
        /// `&anchor`
        anchor: Option<&'t str>,
        /// The tag, its handle resolved.
        tag: Option<String>,
        /// The text it stands for.
        value: Cow<'t, str>,
        /// Its spelling.
        style: ScalarStyle,
        /// Whether its type is found out from its text: plain without a tag, or tagged with a bare `!`.
        implicit: bool,
    },
    /// A list begins.
    SequenceStart {
        /// `&anchor`
        anchor: Option<&'t str>,
        /// The tag, its handle resolved.
        tag: Option<String>,
        /// In brackets.
        flow: bool,
    },
    /// A list ends.
    SequenceEnd,
    /// A mapping begins; keys and values alternate.
    MappingStart {
        /// `&anchor`
        anchor: Option<&'t str>,
        /// The tag, its handle resolved.
        tag: Option<String>,
        /// In braces, or the one pair of `[a: b]`.
        flow: bool,
    },
    /// A mapping ends.
    MappingEnd,
}
