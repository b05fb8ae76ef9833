//! Documents for the tests of this module.

use crate::document::{Document, SectionName};
use std::collections::BTreeMap;

/// A document with these sections; an empty text is an absent section.
pub(super) fn document(roles: &str, users: &str, accounts: &str) -> Document {
    let texts = SectionName::ALL.iter().zip([roles, users, accounts]);
    let present = texts.filter(|(_, text)| !text.is_empty());
    Document::read(
        &present
            .map(|(name, text)| (name.key().to_owned(), text.to_owned()))
            .collect::<BTreeMap<_, _>>(),
    )
}

/// The text of a section with one `{rolearn|userarn, username, groups}` entry per line.
pub(super) fn list(field: &str, entries: &[(&str, &str, &[&str])]) -> String {
    let lines = entries.iter().map(|(arn, username, groups)| {
        let entry = serde_json::json!({ field: arn, "username": username, "groups": groups });
        format!("- {entry}\n")
    });
    lines.collect()
}
