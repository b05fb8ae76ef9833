//! The entries of a document, and the requested principals, by the keys of the annotation.

use std::collections::HashSet;

use super::digest::{principal, store_key};
use crate::arn::fold;
use crate::document::{Document, Entry, Principal, Section, SectionName};

/// An entry of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRef {
    pub section: SectionName,
    /// Line in the section's own text, from 1.
    pub line: usize,
    /// The principal, as written.
    pub principal: Principal,
}

pub(super) fn entries(document: &Document) -> impl Iterator<Item = (&Section, &Entry)> {
    document
        .sections()
        .flat_map(|section| section.entries().iter().map(move |entry| (section, entry)))
}

pub(super) fn entry_ref(section: &Section, entry: &Entry) -> EntryRef {
    EntryRef {
        section: section.name(),
        line: entry.line,
        principal: principal(entry).clone(),
    }
}

/// Requested principals, compared as the authenticator does: ignoring the letter case of ARNs.
pub(super) struct RequestedKeys(HashSet<(SectionName, String)>);

impl RequestedKeys {
    pub(super) fn of<'p>(requested: impl IntoIterator<Item = &'p Principal>) -> Self {
        Self(requested.into_iter().map(key).collect())
    }

    pub(super) fn contains(&self, principal: &Principal) -> bool {
        self.0.contains(&key(principal))
    }
}

fn key(principal: &Principal) -> (SectionName, String) {
    let section = match principal {
        Principal::Role(_) | Principal::Sso(_) => SectionName::Roles,
        Principal::User(_) => SectionName::Users,
        Principal::Account(_) => SectionName::Accounts,
    };
    (section, fold(&store_key(principal)).into_owned())
}
