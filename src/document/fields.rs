//! The names of an entry's fields, in any spelling that Go's JSON decoder takes for them.

use super::SectionName;

/// A field that decides what an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldName {
    /// `rolearn` or `userarn`
    Arn,
    Sso,
    Username,
    Groups,
}

/// The field that this key names in an entry of this section.
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

/// Whether a key names this field: letter case does not matter, and of what else Unicode folds only U+017F is like an
/// `s` (U+212A is like a `k`, which no field has).
pub(super) fn equals_field(key: &str, field: &str) -> bool {
    key.eq_ignore_ascii_case(field)
        || !key.is_ascii() && key.replace('\u{17f}', "s").eq_ignore_ascii_case(field)
}
