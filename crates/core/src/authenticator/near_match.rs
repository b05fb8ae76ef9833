//! Entries that nearly match an identity, and why they do not.

mod arn_mentions;
mod compare;
mod mismatch;
#[cfg(test)]
mod tests;

pub use mismatch::Mismatch;

use super::{EntryState, Store};
use crate::arn::{Parts, fold, to_lower};
use crate::document::{Document, Principal, SectionName};

/// The largest number of entries to report.
const MAX_MATCHES: usize = 5;

/// An entry or text in a document that nearly matches an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMatch {
    pub section: SectionName,
    /// The line in the section's text, from 1.
    pub line: usize,
    /// The ARN or account as written in the entry; empty for an `sso` entry.
    pub written: String,
    /// Why it does not match.
    pub why: Mismatch,
}

/// The identity that was not found.
pub(super) struct Subject<'a> {
    /// Its canonical ARN in lower case.
    lower: String,
    /// The same ARN, folded.
    folded: String,
    account: &'a str,
}

impl<'a> Subject<'a> {
    pub(super) fn new(canonical_arn: &str, account: &'a str) -> Self {
        let lower = to_lower(canonical_arn).into_owned();
        Self {
            folded: fold(&lower).into_owned(),
            lower,
            account,
        }
    }
}

/// Returns the nearest entries, nearest first.
pub(super) fn find(
    document: &Document,
    store: &Store<'_>,
    subject: &Subject<'_>,
) -> Vec<NearMatch> {
    let mut found = Vec::new();
    if let Some(parts) = Parts::of(&subject.folded) {
        let kept = store
            .slots()
            .iter()
            .filter(|slot| slot.state == EntryState::Effective);
        found.extend(kept.filter_map(|slot| {
            let (written, why) = match &slot.mapping.principal {
                Principal::Role(arn) | Principal::User(arn) => {
                    (arn.as_str(), compare::arn(arn, subject, &parts))
                }
                Principal::Sso(sso) => ("", compare::sso(sso, subject)),
                Principal::Account(account) => {
                    (account.as_str(), compare::account(account, subject))
                }
            };
            let written = written.to_owned();
            let (section, line) = (slot.place.section, slot.place.line);
            why.map(|why| NearMatch {
                section,
                line,
                written,
                why,
            })
        }));
    }
    found.extend(
        document
            .sections()
            .flat_map(|section| arn_mentions::mentions(section, subject)),
    );
    found.sort_by_key(|near| near.why.distance());
    found.truncate(MAX_MATCHES);
    found
}
