//! A section's text to its entries, as the authenticator reads them.
//!
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/mapper/configmap/configmap.go>

use super::accounts::read_accounts;
use super::decode::{Decoder, Key, Kind, Lost, Progress};
use super::items::ItemReader;
use super::resolve::{Resolved, resolve};
use super::{Entry, NotEditable, Problem, SectionName, Shape, Span};
use crate::json;
use crate::yaml::{Node, NodeId, NodeKind, Place, Tree, TreeError};

/// What reading a section's text gives.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) entries: Vec<Entry>,
    pub(super) problems: Vec<Problem>,
    pub(super) editable: Result<(), NotEditable>,
    pub(super) list: Option<List>,
    /// A null that is written out.
    pub(super) null: Option<Span>,
    /// Where the document ends: at `...`, or with the text.
    pub(super) document_end: usize,
    /// What the document is, where it is YAML at all.
    pub(super) shape: Option<Shape>,
    /// Where a second document begins, which is never read.
    pub(super) second_document: Option<usize>,
}

/// The list that a section is, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List {
    /// Brackets included.
    pub(super) span: Span,
    /// In brackets.
    pub(super) flow: bool,
}

impl Reading {
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

    /// Nothing of the section is left.
    pub(super) fn lost(message: String, at: Place) -> Self {
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

/// Reads one section.
pub(super) fn read(name: SectionName, text: &str) -> Reading {
    let document_end = text.len();
    if is_skipped(text) {
        return Reading {
            document_end,
            ..Reading::empty()
        };
    }
    if name != SectionName::Accounts && text.trim_start().starts_with('{') {
        return read_object(name, text);
    }
    let mut items = ItemReader::new(name, text);
    let tree = match name {
        SectionName::Accounts => Tree::read(text),
        SectionName::Roles | SectionName::Users => {
            Tree::read_items(text, |tree, item| items.read(tree, item))
        }
    };
    let tree = match tree {
        Ok(tree) => tree,
        Err(TreeError::Syntax(error)) => {
            return Reading::lost(error.go_message(), error.problem.into());
        }
        Err(TreeError::UnknownAnchor { name, at }) => {
            return Reading::lost(
                format!("yaml: unknown anchor '{name}' referenced"),
                at.into(),
            );
        }
    };
    let document_end = tree.document_end.map_or(text.len(), |end| end.offset());
    let Some(root) = tree.root() else {
        return Reading {
            document_end,
            ..Reading::empty()
        };
    };
    let place = tree.node(root);
    let odd = odd(tree.nodes_from(root).iter().take(1)).or(items.odd.take());
    let mut reading = match (name, &place.kind) {
        (SectionName::Accounts, _) => read_accounts(&tree, root),
        (_, NodeKind::Sequence { .. }) => items.finish(),
        _ => not_a_list(name, &tree, root),
    };
    if reading.editable.is_ok() {
        reading.editable = match odd.or_else(|| self::odd(tree.nodes().iter())) {
            Some(odd) => Err(odd),
            None => editable(&tree, root, text),
        };
    }
    reading.list = list(place);
    reading.null = matches!(place.kind, NodeKind::Scalar { .. })
        .then(|| span(place))
        .filter(|span| !span.is_empty());
    reading.document_end = document_end;
    reading.shape = Some(shape(&tree, root));
    reading.second_document = tree.second_document.map(Place::offset);
    reading
}

/// Whether the authenticator takes the text for no text at all.
fn is_skipped(text: &str) -> bool {
    matches!(text.trim(), "" | "``" | "\"\"" | "''")
}

/// What a node is.
fn shape(tree: &Tree<'_>, id: NodeId) -> Shape {
    let node = tree.node(id);
    let (value, implicit) = match &node.kind {
        NodeKind::Sequence { .. } => return Shape::List,
        NodeKind::Mapping { .. } => return Shape::Mapping,
        NodeKind::Scalar {
            value, implicit, ..
        } => (value, *implicit),
        NodeKind::Alias { .. } => return Shape::Text,
    };
    if !implicit && !node.tagged {
        return Shape::Text;
    }
    match resolve(tree.tag(id), value) {
        Ok(Resolved::Null) => Shape::Null,
        Ok(Resolved::Bool(_)) => Shape::Boolean,
        Ok(Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_)) => Shape::Number,
        _ => Shape::Text,
    }
}

fn list(root: &Node<'_>) -> Option<List> {
    match root.kind {
        NodeKind::Sequence { flow } => Some(List {
            span: span(root),
            flow,
        }),
        _ => None,
    }
}

/// A text that begins with `{` is taken for JSON and never for YAML, and an object is never the list that is wanted:
/// <https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/util/yaml/decoder.go>
fn read_object(name: SectionName, text: &str) -> Reading {
    let error = json::syntax_error(text);
    let shape = error.is_none().then_some(Shape::Mapping);
    let (offset, message) = error.unwrap_or_else(|| {
        (
            0,
            format!(
                "json: cannot unmarshal object into Go value of type []config.{}",
                type_name(name)
            ),
        )
    });
    let line = text.as_bytes()[..offset]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count();
    Reading {
        shape,
        ..Reading::lost(message, Place::new(floor_boundary(text, offset), line))
    }
}

fn floor_boundary(text: &str, mut offset: usize) -> usize {
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The Go type of an entry, as messages name it.
pub(super) fn type_name(name: SectionName) -> &'static str {
    if name == SectionName::Users {
        "UserMapping"
    } else {
        "RoleMapping"
    }
}

/// A top level that is no list: null is an empty one, anything else an error.
fn not_a_list(name: SectionName, tree: &Tree<'_>, root: NodeId) -> Reading {
    let mut decoder = Decoder::new(tree, Progress::new());
    let at = tree.node(root).start;
    let found = match decoder.decode(root) {
        Ok(id) => decoder.decoded().value(id).kind.json_name(),
        Err(Lost { message, at }) => return Reading::lost(message, at),
    };
    if let Some(Lost { message, at }) = decoder.into_progress().into_loss() {
        return Reading::lost(message, at);
    }
    if found == Kind::Null.json_name() {
        return Reading::empty();
    }
    let wanted = format!("Go value of type []config.{}", type_name(name));
    Reading::lost(format!("json: cannot unmarshal {found} into {wanted}"), at)
}

pub(super) fn span(node: &Node<'_>) -> Span {
    Span::new(node.start.offset(), node.end())
}

/// The first of the nodes that stands for text elsewhere, or for other text than is written: not edited around.
pub(super) fn odd<'n, 't: 'n>(
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

fn not_editable(at: Place, end: usize, reason: &str) -> NotEditable {
    NotEditable {
        line: at.line() + 1,
        span: Span::new(at.offset(), end),
        reason: reason.to_owned(),
    }
}

/// Whether the document as a whole is a list, or leaves room for one.
fn editable(tree: &Tree<'_>, root: NodeId, text: &str) -> Result<(), NotEditable> {
    if let Some(at) = tree.second_document {
        let reason = "a second YAML document, which the authenticator never reads";
        return Err(not_editable(at, at.offset(), reason));
    }
    let node = tree.node(root);
    match &node.kind {
        NodeKind::Sequence { .. } => Ok(()),
        NodeKind::Scalar { .. } if node.start.offset() == node.end() => Ok(()),
        NodeKind::Scalar { .. }
            if matches!(&text[span(node).range()], "~" | "null" | "Null" | "NULL") =>
        {
            Ok(())
        }
        _ => Err(not_editable(node.start, node.end(), "not a list")),
    }
}

impl Kind<'_> {
    /// What it is.
    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Null => Shape::Null,
            Self::Bool => Shape::Boolean,
            Self::Number(_) => Shape::Number,
            Self::Text(_) => Shape::Text,
            Self::List(_) => Shape::List,
            Self::Map(_) => Shape::Mapping,
        }
    }

    /// What Go's JSON decoder calls it.
    pub(super) fn json_name(&self) -> &'static str {
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
    /// Its text, when it can name a field.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
