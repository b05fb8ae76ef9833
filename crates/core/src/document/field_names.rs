//! The names of an entry's fields.

use super::section_name::SectionName;

/// A field that defines an entry's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldName {
    /// `rolearn` or `userarn`
    Arn,
    Sso,
    Username,
    Groups,
}

/// Returns the field that this key names in an entry of this section.
pub(super) fn field_name(section: SectionName, key: &str) -> Option<FieldName> {
    let arn = if section == SectionName::Users {
        "userarn"
    } else {
        "rolearn"
    };
    [
        (arn, FieldName::Arn),
        ("username", FieldName::Username),
        ("groups", FieldName::Groups),
        ("sso", FieldName::Sso),
    ]
    .into_iter()
    .find(|(name, field)| {
        equals_field(key, name) && !(section == SectionName::Users && *field == FieldName::Sso)
    })
    .map(|(_, field)| field)
}

/// Returns whether a key names this field, ignoring case. Unicode also folds U+017F to `s`, and U+212A to `k`,
/// which no field contains.
pub(super) fn equals_field(key: &str, field: &str) -> bool {
    key.eq_ignore_ascii_case(field)
        || !key.is_ascii() && key.replace('\u{17f}', "s").eq_ignore_ascii_case(field)
}

/// Returns the Go type of an entry, as in messages.
pub(super) fn type_name(name: SectionName) -> &'static str {
    if name == SectionName::Users {
        "UserMapping"
    } else {
        "RoleMapping"
    }
}
