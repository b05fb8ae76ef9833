//! The access entry that was probably intended for the identity.

use std::collections::BTreeMap;

use serde_json::json;

use super::evidence::Evidence;
use crate::authenticator::{AccessEntries, Mismatch, Question, User, explain};
use crate::document::Document;
use crate::facts::access_entries::{AccessEntry, STANDARD};
use crate::facts::authentication_mode::AuthenticationMode;

/// An access entry whose principal resembles the identity.
pub(super) struct SimilarAccessEntry<'e> {
    pub(super) entry: &'e AccessEntry,
    /// Why it does not match.
    pub(super) why: Mismatch,
}

/// Returns the nearest access entry if the identity has none.
pub(super) fn find(evidence: &Evidence) -> Option<SimilarAccessEntry<'_>> {
    let subject = evidence.subject()?;
    let entries = evidence.access_entries.known()?.as_ref().ok()?;
    let all = entries.all()?;
    if entries.of(&subject.canonical.arn).is_some() {
        return None;
    }
    let is_of_users = |entry: &&AccessEntry| {
        let terms = entry.terms.as_ref();
        terms.is_none_or(|terms| terms.kind == STANDARD)
    };
    // They are compared as entries of aws-auth are.
    let written = |key: &str| {
        let list = all.iter().filter(is_of_users);
        let list =
            list.filter(|entry| entry.principal_arn.contains(":role/") == (key == "rolearn"));
        let list = list.map(|entry| json!({key: entry.principal_arn, "username": "u"}));
        json!(list.collect::<Vec<_>>()).to_string()
    };
    let data = BTreeMap::from([
        ("mapRoles".to_owned(), written("rolearn")),
        ("mapUsers".to_owned(), written("userarn")),
    ]);
    let question = Question {
        arn: subject.arn,
        session_name: subject.session_name,
        ..Question::default()
    };
    let near = explain(&Document::read(&data), &question).ok()?.near;
    let near = near.into_iter().next()?;
    let entry = all
        .iter()
        .find(|entry| entry.principal_arn == near.written)?;
    Some(SimilarAccessEntry {
        entry,
        why: near.why,
    })
}

/// Returns the user of the identity with an access entry of the same groups; `None` if that has no groups, or access policies, or
/// they are unknown.
pub(super) fn user(evidence: &Evidence) -> Option<User> {
    let terms = find(evidence)?.entry.terms.clone()?;
    if terms.groups.is_empty() || terms.policies.as_ref().is_none_or(|all| !all.is_empty()) {
        return None;
    }
    let subject = evidence.subject()?;
    let entry = AccessEntry {
        principal_arn: subject.canonical.arn.clone(),
        terms: Some(crate::facts::access_entries::AccessTerms {
            username: None,
            ..terms
        }),
    };
    let entries = AccessEntries::new(AuthenticationMode::Api, Some(vec![entry]));
    let question = Question {
        arn: subject.arn,
        session_name: subject.session_name,
        access_entries: Some(&entries),
        ..Question::default()
    };
    let nothing = Document::read(&BTreeMap::<String, String>::new());
    let explanation = explain(&nothing, &question).ok()?;
    let (user, _) = explanation.users().next()?;
    Some(user.clone())
}
