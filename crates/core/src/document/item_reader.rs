//! Reads the entries of mapRoles and mapUsers one by one.

use super::authenticator_validation;
use super::entry_decoder::{Mismatch, RawEntry, TypedReader};
use super::field_names::{FieldName, equals_field, field_name};
use super::go_yaml_decoder::{DecodeError, DecodeState, Decoder};
use super::section_content::{SectionContent, span, unsupported_node};
use super::{
    DecodeWarning, Entry, Field, Fields, GroupItem, Mapping, NotEditable, Principal, Problem,
    SectionName, Shape, Status,
};
use goyaml::{Node, NodeId, NodeKind, Place, Tree};

/// The maximum number of entries of a section. A ConfigMap of 1 MiB has no space for as many that map somebody, but a mebibyte of empty
/// ones would take a gigabyte of memory.
const MAX_ENTRIES: usize = 50_000;

/// Reads the entries of a list, each as soon as it is parsed.
pub(super) struct ItemReader {
    section: SectionName,
    entries: Vec<Entry>,
    mismatch: Option<Mismatch>,
    invalid: Vec<Problem>,
    /// The error with which go-yaml stopped. Nothing is decoded after that.
    error: Option<DecodeError>,
    /// The decoder's state after the items so far. Taken while an item is decoded.
    state: Option<DecodeState>,
    /// The first construct that edits do not support.
    pub(super) unsupported: Option<NotEditable>,
}

impl ItemReader {
    pub(super) fn new(section: SectionName, text: &str) -> Self {
        Self {
            section,
            // Memory that is never touched costs nothing, but growing a large list fragments the heap.
            entries: Vec::with_capacity(text.len() / 100),
            mismatch: None,
            invalid: Vec::new(),
            error: None,
            state: Some(DecodeState::in_list()),
            unsupported: None,
        }
    }

    pub(super) fn read(&mut self, tree: &Tree<'_>, node: NodeId) {
        let Some(state) = self.state.take() else {
            return;
        };
        if self.entries.len() == MAX_ENTRIES {
            self.error = Some(DecodeError {
                message: format!("awsauth does not read more than {MAX_ENTRIES} entries"),
                at: tree.node(node).start,
            });
            self.entries = Vec::new();
            self.invalid = Vec::new();
            return;
        }
        let mut decoder = Decoder::new(tree, state);
        let item = match decoder.decode(node) {
            Ok(item) => item,
            Err(error) => {
                self.error = Some(error);
                return;
            }
        };
        let mut reader = TypedReader::new(self.section, tree, decoder.decoded());
        let mut raw = reader.entry(item);
        let mismatch = reader.into_mismatch();
        self.mismatch = self.mismatch.take().or(mismatch);
        self.state = Some(decoder.into_state());
        let mut decode_warnings = std::mem::take(&mut raw.mistyped);
        let is_mistyped = decode_warnings.iter().any(is_mismatch);
        let place = tree.node(node);
        let line = place.dash.unwrap_or(place.start).line() + 1;
        let status = status(self.section, raw);
        if let Status::Dropped { reason, .. } = &status {
            self.invalid.push(Problem {
                line,
                message: reason.clone(),
            });
        }
        if self.unsupported.is_none() {
            self.unsupported = unsupported_node(tree.nodes_from(node).iter());
        }
        self.entries.push(Entry {
            span: span(place),
            dash: place.dash.map(Place::offset),
            line,
            status,
            fields: Fields {
                is_mistyped,
                ..fields(self.section, tree, node, &mut decode_warnings)
            },
            decode_warnings,
        });
    }

    pub(super) fn finish(self) -> SectionContent {
        let error = self.error.or_else(|| self.state?.into_unsupported());
        if let Some(DecodeError { message, at }) = error {
            return SectionContent::unreadable(message, at);
        }
        let mismatch = self.mismatch.map(|Mismatch { message, at }| Problem {
            line: at.line() + 1,
            message,
        });
        SectionContent {
            entries: self.entries,
            problems: mismatch.into_iter().chain(self.invalid).collect(),
            ..SectionContent::empty()
        }
    }
}

fn status(name: SectionName, raw: RawEntry) -> Status {
    let reason = authenticator_validation::invalid(name, &raw);
    let RawEntry {
        arn,
        username,
        groups,
        sso,
        mistyped: _,
    } = raw;
    let principal = match (name, sso) {
        (SectionName::Users, _) => Principal::User(arn),
        (_, Some(sso)) if arn.is_empty() => Principal::Sso(Box::new(sso)),
        _ => Principal::Role(arn),
    };
    let mapping = Mapping {
        principal,
        username,
        groups,
    };
    match reason {
        None => Status::Kept(mapping),
        Some(reason) => Status::Dropped { mapping, reason },
    }
}

/// Returns whether Go's decoder would report this as an error. Null fits any type.
fn is_mismatch(decode_warning: &DecodeWarning) -> bool {
    match decode_warning {
        DecodeWarning::NotAMapping(found) | DecodeWarning::Mistyped { found, .. } => {
            *found != Shape::Null
        }
        DecodeWarning::UnknownField(_) | DecodeWarning::Repeated { .. } => false,
    }
}

/// Returns whether a key that does not name a field is unknown to the authenticator.
fn has_no_meaning(key: &Node<'_>) -> bool {
    match &key.kind {
        NodeKind::Scalar { value, .. } => value != "<<" && !equals_field(value, "userid"),
        // An alias may refer to any name.
        NodeKind::Alias { .. } => false,
        _ => true,
    }
}

/// Returns the positions of an entry's fields. If a field occurs more than once, in any spelling, its position is that of the
/// last occurrence.
fn fields(
    name: SectionName,
    tree: &Tree<'_>,
    entry: NodeId,
    decode_warnings: &mut Vec<DecodeWarning>,
) -> Fields {
    let mut fields = Fields::default();
    if let NodeKind::Mapping { flow } = tree.node(entry).kind {
        fields.is_flow = flow;
    }
    if !matches!(tree.node(entry).kind, NodeKind::Mapping { .. }) {
        return fields;
    }
    for (key, value) in tree.pairs(entry) {
        let (key, value_node) = (tree.node(key), tree.node(value));
        let place = Field {
            key: span(key),
            value: span(value_node),
        };
        let field = match &key.kind {
            NodeKind::Scalar { value, .. } => field_name(name, value),
            _ => None,
        };
        let Some(field) = field else {
            fields.has_unknown = true;
            if has_no_meaning(key) {
                decode_warnings.push(DecodeWarning::UnknownField(place));
            }
            continue;
        };
        let slot = match field {
            FieldName::Arn => &mut fields.principal,
            FieldName::Sso => &mut fields.sso,
            FieldName::Username => &mut fields.username,
            FieldName::Groups => {
                let mut items = Vec::with_capacity(tree.children(value).count());
                items.extend(tree.children(value).map(|item| {
                    let item = tree.node(item);
                    GroupItem {
                        span: span(item),
                        dash: item.dash.map(Place::offset),
                    }
                }));
                fields.group_items = items;
                fields.groups_are_list = matches!(value_node.kind, NodeKind::Sequence { .. });
                &mut fields.groups
            }
        };
        if let Some(earlier) = slot.replace(place) {
            fields.is_repeated = true;
            decode_warnings.push(DecodeWarning::Repeated {
                earlier,
                later: place,
            });
        }
    }
    fields
}
