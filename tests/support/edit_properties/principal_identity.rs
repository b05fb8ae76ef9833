//! The principals of edits and entries.

use std::collections::BTreeSet;

use awsauth_core::arn::{canonical, fold};
use awsauth_core::document::edit::Edit;
use awsauth_core::document::{Entry, Mapping, Principal, Section, Status};

/// The identity of a principal, independent of its spelling.
pub(super) fn identity(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => {
            fold(&canonical(arn).map_or_else(|_| arn.clone(), |found| found.arn)).into_owned()
        }
        Principal::Account(id) => id.clone(),
        Principal::Sso(sso) => format!("{sso:?}").to_lowercase(),
    }
}

pub(super) fn as_written(principal: &Principal) -> String {
    match principal {
        Principal::Role(arn) | Principal::User(arn) => fold(arn).into_owned(),
        other => identity(other),
    }
}

pub(super) fn names(edit: &Edit, found: &Principal) -> bool {
    let is_unmap = matches!(edit, Edit::Unmap { .. });
    match (edit.principal(), found) {
        (Principal::Role(arn), Principal::Role(found))
        | (Principal::User(arn), Principal::User(found)) => {
            let is_canonical =
                || canonical(arn).is_ok_and(|canonical| fold(&canonical.arn) == fold(found));
            fold(arn) == fold(found) || is_unmap && is_canonical()
        }
        (principal, found) => {
            principal.section() == found.section() && identity(principal) == identity(found)
        }
    }
}

pub(super) fn mapping_of(entry: &Entry) -> &Mapping {
    match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => mapping,
    }
}

pub(super) fn principal_of(entry: &Entry) -> &Principal {
    &mapping_of(entry).principal
}

pub(super) type Meaning<'a> = (&'a Principal, &'a str, BTreeSet<&'a str>, bool);

pub(super) fn meanings(section: &Section) -> Vec<Meaning<'_>> {
    section
        .entries()
        .iter()
        .map(|entry| {
            let Mapping {
                principal,
                username,
                ..
            } = mapping_of(entry);
            let groups = mapping_of(entry).groups().iter().map(String::as_str);
            (
                principal,
                username.as_str(),
                groups.collect(),
                entry.mapping().is_some(),
            )
        })
        .collect()
}
