//! Documents for the tests of this module.

use super::{Place, Store};
use crate::document::{Document, Mapping, Principal, SectionName, Status};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Returns a document with these sections; an empty string is an absent section.
pub(super) fn document(roles: &str, users: &str, accounts: &str) -> Document {
    let texts = SectionName::ALL.iter().zip([roles, users, accounts]);
    let present = texts.filter(|(_, text)| !text.is_empty());
    Document::read(
        &present
            .map(|(name, text)| (name.key().to_owned(), text.to_owned()))
            .collect::<BTreeMap<_, _>>(),
    )
}

/// Returns the text of a section with one `{rolearn|userarn, username, groups}` entry per line.
pub(super) fn list(field: &str, entries: &[(&str, &str, &[&str])]) -> String {
    let lines = entries.iter().map(|(arn, username, groups)| {
        let entry = serde_json::json!({ field: arn, "username": username, "groups": groups });
        format!("- {entry}\n")
    });
    lines.collect()
}

/// Generates entries with few names, so that many differ only in letter case.
pub(super) fn entries() -> impl Strategy<Value = Vec<(SectionName, Status)>> {
    let section = prop::sample::select(SectionName::ALL.to_vec());
    let name = prop::sample::select(vec!["ops", "OPS", "Opſ", "kİ", "Ki", "\u{212A}i", "1", ""]);
    let entry = (section, name, 0..2u8, 0..4u8).prop_map(|(section, name, username, dropped)| {
        let arn = format!("arn:aws:iam::1:role/{name}");
        let mapping = Mapping {
            principal: match section {
                SectionName::Roles => Principal::Role(arn),
                SectionName::Users => Principal::User(arn),
                SectionName::Accounts => Principal::Account(name.to_owned()),
            },
            username: format!("user {username}"),
            groups: None,
        };
        let status = match dropped {
            0 => Status::Dropped {
                mapping,
                reason: String::new(),
            },
            _ => Status::Kept(mapping),
        };
        (section, status)
    });
    vec(entry, 0..12)
}

/// Returns the store of entries, each placed by its index among all of them.
pub(super) fn store(entries: &[(SectionName, Status)]) -> Store<'_> {
    Store::of(
        entries
            .iter()
            .enumerate()
            .map(|(index, (section, status))| {
                (
                    Place {
                        section: *section,
                        line: index + 1,
                        index,
                    },
                    status,
                )
            }),
    )
}
