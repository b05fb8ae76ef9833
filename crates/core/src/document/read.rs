//! Reads a section into entries, as the authenticator does.
//!
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/mapper/configmap/configmap.go>

use super::account_reader::read_accounts;
use super::decode_warning::Shape;
use super::field_names::type_name;
use super::go_yaml_decoder::{DecodeError, DecodeState, Decoder, Kind};
use super::item_reader::ItemReader;
use super::section_content::{
    List, NotEditable, SectionContent, not_editable, span, unsupported_node,
};
use super::section_name::SectionName;
use goyaml::go_json;
use goyaml::{Node, NodeId, NodeKind, Place, Tree, TreeError};
use goyaml::{Resolved, resolve};

/// Reads one section.
pub(super) fn read(name: SectionName, text: &str) -> SectionContent {
    let document_end = text.len();
    if is_skipped(text) {
        return SectionContent {
            document_end,
            ..SectionContent::empty()
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
            return SectionContent::unreadable(error.go_message(), error.problem.into());
        }
        Err(TreeError::UnknownAnchor { name, at }) => {
            return SectionContent::unreadable(
                format!("yaml: unknown anchor '{name}' referenced"),
                at.into(),
            );
        }
    };
    let document_end = tree.document_end.map_or(text.len(), |end| end.offset());
    let Some(root) = tree.root() else {
        return SectionContent {
            document_end,
            ..SectionContent::empty()
        };
    };
    let place = tree.node(root);
    let unsupported =
        unsupported_node(tree.nodes_from(root).iter().take(1)).or(items.unsupported.take());
    let mut reading = match (name, &place.kind) {
        (SectionName::Accounts, _) => read_accounts(&tree, root),
        (_, NodeKind::Sequence { .. }) => items.finish(),
        _ => not_a_list(name, &tree, root),
    };
    if reading.editable.is_ok() {
        reading.editable = match unsupported.or_else(|| unsupported_node(tree.nodes().iter())) {
            Some(node) => Err(node),
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

/// Returns whether the authenticator treats the section as empty.
fn is_skipped(text: &str) -> bool {
    matches!(text.trim(), "" | "``" | "\"\"" | "''")
}

/// Returns the type of a node.
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

/// Reads a section that begins with `{`. The authenticator reads it as JSON, never as YAML, and an object is never the
/// required list:
/// <https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/util/yaml/decoder.go>
fn read_object(name: SectionName, text: &str) -> SectionContent {
    let error = go_json::syntax_error(text);
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
    SectionContent {
        shape,
        ..SectionContent::unreadable(message, Place::new(floor_boundary(text, offset), line))
    }
}

fn floor_boundary(text: &str, mut offset: usize) -> usize {
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Reads a top level that is not a list: null is an empty list, anything else is an error.
fn not_a_list(name: SectionName, tree: &Tree<'_>, root: NodeId) -> SectionContent {
    let mut decoder = Decoder::new(tree, DecodeState::new());
    let at = tree.node(root).start;
    let found = match decoder.decode(root) {
        Ok(id) => decoder.decoded().value(id).kind.json_name(),
        Err(DecodeError { message, at }) => return SectionContent::unreadable(message, at),
    };
    if let Some(DecodeError { message, at }) = decoder.into_state().into_unsupported() {
        return SectionContent::unreadable(message, at);
    }
    if found == Kind::Null.json_name() {
        return SectionContent::empty();
    }
    let expected = format!("Go value of type []config.{}", type_name(name));
    SectionContent::unreadable(
        format!("json: cannot unmarshal {found} into {expected}"),
        at,
    )
}

/// Checks that the document is a list, or that a list can be added to it.
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
