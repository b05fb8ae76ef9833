//! What the authenticator reads in a section.

use goyaml::{Node, NodeKind, Place};

use super::decode_warning::Shape;
use super::entry::Entry;
use super::span::Span;

/// What the authenticator reads from a section, and what edits need.
#[derive(Clone, Debug)]
pub(super) struct SectionContent {
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
    pub(super) editable: Result<(), NotEditable>,
    pub(super) list: Option<List>,
    /// A null that is written explicitly.
    pub(super) null: Option<Span>,
    /// The end of the document: `...`, or the end of the text.
    pub(super) document_end: usize,
    /// The type of the document, if it is YAML.
    pub(super) shape: Option<Shape>,
    /// The start of a second document, which is never read.
    pub(super) second_document: Option<usize>,
}

/// The top-level list of a section, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List {
    /// Brackets included.
    pub(super) span: Span,
    /// Whether the list is in flow style.
    pub(super) flow: bool,
}

impl SectionContent {
    pub(super) fn empty() -> Self {
        Self {
            entries: Vec::new(),
            problems: Vec::new(),
            editable: Ok(()),
            list: None,
            null: None,
            document_end: 0,
            shape: None,
            second_document: None,
        }
    }

    /// Creates the content of a section that cannot be read.
    pub(super) fn unreadable(message: String, at: Place) -> Self {
        let line = at.line() + 1;
        let reason = match message
            .strip_prefix("yaml: line ")
            .and_then(|rest| rest.split_once(": "))
        {
            Some((_, reason)) => reason,
            None => message.strip_prefix("yaml: ").unwrap_or(&message),
        }
        .to_owned();
        Self {
            problems: vec![Problem { line, message }],
            editable: Err(NotEditable {
                line,
                span: Span::new(at.offset(), at.offset()),
                reason,
            }),
            ..Self::empty()
        }
    }
}

/// An error the authenticator logs while reading a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the section's own text, from 1.
    pub line: usize,
    /// The authenticator's message, or awsauth's if it refuses to read the section.
    pub message: String,
}

/// Why a section cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEditable {
    /// Line in the section's own text, from 1.
    pub line: usize,
    /// The bytes of the section that are the reason.
    pub span: Span,
    /// The reason as a sentence fragment, such as "a merge key" or the syntax error.
    pub reason: String,
}

pub(super) fn span(node: &Node<'_>) -> Span {
    Span::new(node.start.offset(), node.end())
}

/// Returns the first alias, anchor, explicit tag or merge key. Edits do not support those.
pub(super) fn unsupported_node<'n, 't: 'n>(
    mut nodes: impl Iterator<Item = &'n Node<'t>>,
) -> Option<NotEditable> {
    nodes.find_map(|node| {
        let reason = match &node.kind {
            NodeKind::Alias { .. } => "an alias",
            _ if node.anchored => "an anchor",
            _ if node.tagged => "an explicit tag",
            NodeKind::Scalar {
                value,
                implicit: true,
                ..
            } if value == "<<" => "a merge key",
            _ => return None,
        };
        Some(not_editable(node.start, node.end(), reason))
    })
}

pub(super) fn not_editable(at: Place, end: usize, reason: &str) -> NotEditable {
    NotEditable {
        line: at.line() + 1,
        span: Span::new(at.offset(), end),
        reason: reason.to_owned(),
    }
}
