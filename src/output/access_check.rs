//! The result of an access check.

use std::collections::BTreeMap;

use serde::Serialize;

use super::access_changes::user_text;
use super::access_entry::{self, AccessEntryData};
use super::style::{GAIN, LOSS, paint};
use super::table::{Cell, Table};
use awsauth_core::escape::one_line;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::rbac::Question;
use awsauth_kube::access_review::{Answer, ClusterUser};

/// The result of signing in, and of the access checks after it.
#[derive(Debug)]
pub(crate) struct Verification<'a> {
    /// The ARN that the authenticator looks up, if it is known.
    pub(crate) canonical_arn: Option<String>,
    /// The access entry that applies.
    pub(crate) access_entry: Option<&'a AccessEntry>,
    /// The user that the API server reports; `None` if it accepted no token.
    pub(crate) who: Option<&'a ClusterUser>,
    pub(crate) answers: Vec<(&'a Question, &'a Answer)>,
    /// The expectations that are not met, as sentence fragments.
    pub(crate) unmet: &'a [String],
}

/// The JSON output.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerificationData<'a> {
    ok: bool,
    username: Option<&'a str>,
    groups: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    canonical_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_entry: Option<AccessEntryData<'a>>,
    extra: BTreeMap<&'a str, &'a [String]>,
    can: Vec<CanData<'a>>,
    unmet: &'a [String],
}

#[derive(Serialize)]
struct CanData<'a> {
    what: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Formats the result as the JSON that docs/json.md documents.
pub(crate) fn verification_json(
    verification: &Verification<'_>,
) -> Result<String, serde_json::Error> {
    let data = VerificationData::of(verification);
    serde_json::to_string_pretty(&data).map(|text| text + "\n")
}

impl<'a> VerificationData<'a> {
    pub(super) fn of(verification: &'a Verification<'a>) -> Self {
        let who = verification.who;
        let can = verification
            .answers
            .iter()
            .map(|(question, answer)| CanData {
                what: question.to_string(),
                allowed: answer.allowed,
                reason: answer.reason.as_deref(),
            });
        let extra = who.into_iter().flat_map(|who| &who.extra);
        Self {
            ok: verification.unmet.is_empty(),
            username: who.map(|who| who.username.as_str()),
            groups: who.map_or(&[], |who| &who.groups),
            canonical_arn: verification.canonical_arn.as_deref(),
            access_entry: verification.access_entry.map(AccessEntryData::of),
            uid: who.and_then(|who| who.uid.as_deref()),
            extra: extra
                .map(|(key, values)| (key.as_str(), values.as_slice()))
                .collect(),
            can: can.collect(),
            unmet: verification.unmet,
        }
    }
}

/// Formats the result as text with styles; empty if no token was accepted.
pub(crate) fn verification_text(verification: &Verification<'_>, width: Option<usize>) -> String {
    let Some(who) = verification.who else {
        return String::new();
    };
    let whose = verification
        .canonical_arn
        .as_deref()
        .map_or_else(|| "the caller".into(), one_line);
    let mut text = paint(GAIN, &format!("{whose} becomes {}", user_text(&who.user()))) + "\n";
    if let Some(entry) = verification.access_entry {
        text += &format!("  by {}\n", access_entry::name(entry));
    }
    if verification.answers.is_empty() {
        return text;
    }
    let mut table = Table::new(vec!["ACTION", "ALLOWED", "REASON"], 2);
    for (question, answer) in &verification.answers {
        let (verdict, style) = match answer.allowed {
            true => ("yes", GAIN),
            false => ("no", LOSS),
        };
        table.row(vec![
            Cell::new(&question.to_string()),
            Cell::styled(verdict, style),
            Cell::new(answer.reason.as_deref().unwrap_or_default()),
        ]);
    }
    text += &table.render(width);
    text
}
