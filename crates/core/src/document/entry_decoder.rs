//! Converts generic values to typed entries like Go's JSON decoder: a field of the wrong type keeps its value, and only
//! the first one is reported.
//!
//! <https://github.com/golang/go/blob/go1.26.0/src/encoding/json/decode.go>

use super::field_names::type_name;
use super::field_names::{FieldName, equals_field, field_name};
use super::go_yaml_decoder::{Decoded, Kind, ValueId};
use super::section_content::span;
use super::{DecodeWarning, SectionName, SsoRole};
use goyaml::{Place, Tree};

/// An entry before it is validated.
#[derive(Debug, Default)]
pub(super) struct RawEntry {
    pub(super) arn: String,
    pub(super) username: String,
    pub(super) groups: Option<Vec<String>>,
    pub(super) sso: Option<SsoRole>,
    /// The values of the wrong type.
    pub(super) mistyped: Vec<DecodeWarning>,
}

/// The first field of the wrong type.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) message: String,
    pub(super) at: Place,
}

/// Reads the entries of one section.
pub(super) struct TypedReader<'a, 't> {
    section: SectionName,
    tree: &'a Tree<'t>,
    decoded: &'a Decoded<'t>,
    mismatch: Option<Mismatch>,
    /// The values of the wrong type in the current entry.
    mistyped: Vec<DecodeWarning>,
}

/// A list of groups like a Go slice: elements after the end of a shorter list reappear when it grows again.
#[derive(Default)]
struct Slice {
    storage: Vec<String>,
    len: Option<usize>,
}

impl<'a, 't> TypedReader<'a, 't> {
    pub(super) fn new(section: SectionName, tree: &'a Tree<'t>, decoded: &'a Decoded<'t>) -> Self {
        Self {
            section,
            tree,
            decoded,
            mismatch: None,
            mistyped: Vec::new(),
        }
    }

    pub(super) fn into_mismatch(self) -> Option<Mismatch> {
        self.mismatch
    }

    pub(super) fn entry(&mut self, id: ValueId) -> RawEntry {
        self.mistyped.clear();
        let mut entry = RawEntry::default();
        let decoded = self.decoded;
        let pairs = match &decoded.value(id).kind {
            Kind::Map(pairs) => pairs,
            kind => {
                entry.mistyped = vec![DecodeWarning::NotAMapping(kind.shape())];
                if !matches!(kind, Kind::Null) {
                    self.mismatch(id, String::new, "config.", type_name(self.section));
                }
                return entry;
            }
        };
        let mut groups = Slice::default();
        for (key, value) in pairs {
            let Some(key) = key.text() else { continue };
            match field_name(self.section, key) {
                Some(FieldName::Arn) => {
                    let name = if self.section == SectionName::Users {
                        "userarn"
                    } else {
                        "rolearn"
                    };
                    self.text(*value, name, &mut entry.arn);
                }
                Some(FieldName::Username) => self.text(*value, "username", &mut entry.username),
                Some(FieldName::Groups) => self.groups(*value, &mut groups),
                Some(FieldName::Sso) => self.sso(*value, &mut entry.sso),
                // Never used, but its type is checked.
                None if equals_field(key, "userid") => {
                    self.text(*value, "userid", &mut String::new())
                }
                None => {}
            }
        }
        entry.groups = groups.len.map(|len| {
            groups.storage.truncate(len);
            groups.storage
        });
        entry.mistyped = std::mem::take(&mut self.mistyped);
        entry
    }

    fn text(&mut self, id: ValueId, path: &'static str, into: &mut String) {
        let decoded = self.decoded;
        match &decoded.value(id).kind {
            Kind::Text(text) => *into = text.clone().into_owned(),
            Kind::Null => {}
            _ => self.field_mismatch(id, path, "string"),
        }
    }

    fn groups(&mut self, id: ValueId, into: &mut Slice) {
        let decoded = self.decoded;
        match &decoded.value(id).kind {
            Kind::Null => *into = Slice::default(),
            Kind::List(items) if items.is_empty() => {
                *into = Slice {
                    len: Some(0),
                    ..Slice::default()
                }
            }
            Kind::List(items) => {
                if let Some(more) = items.len().checked_sub(into.storage.len()) {
                    into.storage.reserve_exact(more);
                    into.storage.resize(items.len(), String::new());
                }
                for (at, item) in items.iter().enumerate() {
                    let mut group = std::mem::take(&mut into.storage[at]);
                    if matches!(decoded.value(*item).kind, Kind::Null) {
                        // A null is not reported, but it is not a group either.
                        self.note("groups", true, *item);
                    }
                    self.text(*item, "groups", &mut group);
                    into.storage[at] = group;
                }
                into.len = Some(items.len());
            }
            _ => self.field_mismatch(id, "groups", "[]string"),
        }
    }

    fn sso(&mut self, id: ValueId, into: &mut Option<SsoRole>) {
        let decoded = self.decoded;
        let pairs = match &decoded.value(id).kind {
            Kind::Map(pairs) => pairs,
            Kind::Null => {
                *into = None;
                return;
            }
            _ => {
                into.get_or_insert_default();
                self.field_mismatch(id, "sso", "config.SSOARNMatcher");
                return;
            }
        };
        let sso = into.get_or_insert_default();
        for (key, value) in pairs {
            let Some(key) = key.text() else { continue };
            let (path, field) = if equals_field(key, "permissionSetName") {
                ("sso.permissionSetName", &mut sso.permission_set_name)
            } else if equals_field(key, "accountID") {
                ("sso.accountID", &mut sso.account_id)
            } else if equals_field(key, "partition") {
                ("sso.partition", &mut sso.partition)
            } else {
                continue;
            };
            match &decoded.value(*value).kind {
                Kind::Text(text) => *field = text.clone().into_owned(),
                Kind::Null => {}
                _ => {
                    self.note(path, false, *value);
                    self.mismatch(
                        *value,
                        || format!("Go struct field SSOARNMatcher.{path} of type "),
                        "",
                        "string",
                    );
                }
            }
        }
    }

    fn field_mismatch(&mut self, id: ValueId, path: &'static str, expected: &str) {
        let section = self.section;
        self.note(path, path == "groups" && expected == "string", id);
        self.mismatch(
            id,
            || format!("Go struct field {}.{path} of type ", type_name(section)),
            "",
            expected,
        );
    }

    fn note(&mut self, field: &'static str, in_list: bool, id: ValueId) {
        let value = self.decoded.value(id);
        self.mistyped.push(DecodeWarning::Mistyped {
            field,
            in_list,
            found: value.kind.shape(),
            span: span(self.tree.node(value.node)),
        });
    }

    fn mismatch(
        &mut self,
        id: ValueId,
        place: impl FnOnce() -> String,
        package: &str,
        expected: &str,
    ) {
        if self.mismatch.is_some() {
            return;
        }
        let value = self.decoded.value(id);
        let mut place = place();
        if place.is_empty() {
            place.push_str("Go value of type ");
        }
        self.mismatch = Some(Mismatch {
            message: format!(
                "json: cannot unmarshal {} into {place}{package}{expected}",
                value.kind.json_name()
            ),
            at: self.tree.node(value.node).start,
        });
    }
}
