//! Whether an access entry that doctor could not read probably applies to the identity.

use std::collections::BTreeMap;

use super::evidence::{Collected, Entry, Evidence, SignedIn};
use super::remedy;
use crate::authenticator::{AccessEntries, Question, explain};
use crate::document::Document;
use crate::facts::access_entries::{AccessEntry, AccessTerms};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::shell_quote::quoted;

/// An access entry that was not read, but probably applies.
pub(super) struct LikelyAccessEntry {
    /// What aws-auth has for the identity instead, if it was read and maps it.
    pub(super) instead_of: Option<String>,
    /// The request to a user who can read access entries.
    pub(super) next: String,
}

/// Returns the access entry that probably applies: the user has the username that an access entry gives by default, and
/// aws-auth, if it was read, does not give it.
pub(super) fn find(evidence: &Evidence) -> Option<LikelyAccessEntry> {
    let Some(SignedIn::In { username, .. }) = evidence.signed_in.known() else {
        return None;
    };
    let is_read = matches!(evidence.access_entries, Collected::Seen(Ok(_)));
    let uses_only_aws_auth = matches!(
        evidence.described.known(),
        Some(Ok(described)) if described.mode == Some(AuthenticationMode::ConfigMap)
    );
    if is_read || uses_only_aws_auth || default_username(evidence).as_ref() != Some(username) {
        return None;
    }
    let explained = evidence.explanation().ok();
    let answer = explained
        .as_ref()
        .and_then(|explained| explained.explanation.answers.first());
    let mapped = answer.and_then(|answer| Some((answer, answer.user.as_ref().ok()?)));
    if mapped.is_some_and(|(_, user)| user.username == *username) {
        return None;
    }
    let arn = evidence.subject()?.canonical.arn;
    let name = evidence.entry().ok().and_then(Entry::eks_name);
    Some(LikelyAccessEntry {
        instead_of: mapped.map(|(answer, user)| {
            format!(
                "user {} of {} line {}",
                remedy::username(&user.username),
                answer.place.section.key(),
                answer.place.line
            )
        }),
        next: format!(
            "ask a user with eks:DescribeAccessEntry to run: aws eks describe-access-entry --cluster-name {} --principal-arn {}",
            quoted(name.unwrap_or("NAME")),
            quoted(&arn)
        ),
    })
}

/// Returns the username that an access entry of the subject gives by default.
fn default_username(evidence: &Evidence) -> Option<String> {
    let subject = evidence.subject()?;
    let entry = AccessEntry {
        principal_arn: subject.canonical.arn.clone(),
        terms: Some(AccessTerms::default()),
    };
    let entries = AccessEntries::new(AuthenticationMode::Api, Some([entry].into()));
    let question = Question {
        arn: subject.arn,
        session_name: subject.session_name,
        access_entries: Some(&entries),
        ..Question::default()
    };
    let explanation = explain(
        &Document::read(&BTreeMap::<String, String>::new()),
        &question,
    )
    .ok()?;
    let (user, _) = explanation.users().next()?;
    Some(user.username.clone())
}
