//! The output of `explain`, as text and as JSON.

use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::access_changes::{UserData, user_text};
use super::access_entry::{self, AccessEntryData};
use super::rbac::{self, RbacData};
use super::style::{GAIN, LOSS, NOTICE, PLACE, paint};
use awsauth_core::authenticator::{Explanation, Override, Place, User};
use awsauth_core::escape::one_line;
use awsauth_core::rbac::Access;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplanationData<'a> {
    arn: &'a str,
    canonical_arn: &'a str,
    allowed: bool,
    username: Option<&'a str>,
    groups: &'a [String],
    section: Option<&'static str>,
    line: Option<usize>,
    /// When the entry expires, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    shadowed: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    any_of: Vec<PossibleData<'a>>,
    nearest: Vec<NearData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_entry: Option<AccessEntryData<'a>>,
    rbac: Option<RbacData<'a>>,
}

/// One of several users that the authenticator may pick.
#[derive(Serialize)]
struct PossibleData<'a> {
    #[serde(flatten)]
    user: UserData<'a>,
    rbac: Option<RbacData<'a>>,
}

#[derive(Serialize)]
struct NearData<'a> {
    section: &'static str,
    line: usize,
    arn: &'a str,
    why: String,
}

/// Formats the explanation as the JSON that docs/json.md documents. `access` contains what RBAC allows each of the explanation's
/// users, in the same order; it is empty if unknown. `expires` is the time when the entry in effect expires.
pub(crate) fn explanation_json<'a>(
    explanation: &'a Explanation,
    access: &'a [Access<'a>],
    expires: Option<Timestamp>,
) -> Result<String, serde_json::Error> {
    let answers = &explanation.answers;
    let users: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer.user.as_ref().ok())
        .collect();
    let sole = if explanation.allowed() {
        let mapped = explanation.access_entry.as_ref();
        let mapped = mapped.and_then(|mapped| mapped.user());
        mapped.or(users.first().copied())
    } else {
        None
    };
    let near = explanation.near.iter().map(|near| NearData {
        section: near.section.key(),
        line: near.line,
        arn: &near.written,
        why: near.why.to_string(),
    });
    let data = ExplanationData {
        arn: &explanation.arn,
        canonical_arn: &explanation.canonical_arn,
        allowed: explanation.allowed(),
        username: sole.map(|user| user.username.as_str()),
        groups: sole.map_or(&[], |user| &user.groups),
        section: answers.first().map(|answer| answer.place.section.key()),
        line: answers.first().map(|answer| answer.place.line),
        expires: expires.map(|at| at.to_string()),
        shadowed: explanation
            .shadowed
            .iter()
            .map(|place| place.line)
            .collect(),
        reason: explanation.reason(),
        any_of: if answers.len() > 1 {
            let access = access.iter().map(RbacData::of).map(Some);
            let possible = users
                .into_iter()
                .zip(access.chain(std::iter::repeat_with(|| None)));
            let possible = possible.map(|(user, rbac)| PossibleData {
                user: UserData::of(user),
                rbac,
            });
            possible.collect()
        } else {
            Vec::new()
        },
        nearest: near.collect(),
        access_entry: explanation
            .access_entry
            .as_ref()
            .map(|mapped| AccessEntryData::of(&mapped.entry)),
        rbac: match access {
            [access] if answers.len() <= 1 => Some(RbacData::of(access)),
            _ => None,
        },
    };
    serde_json::to_string_pretty(&data).map(|text| text + "\n")
}

/// Formats the explanation as styled text. `access` is the same as for [`explanation_json`].
pub(crate) fn explanation_text(explanation: &Explanation, access: &[Access<'_>]) -> String {
    let mut text = String::new();
    let arn = one_line(&explanation.canonical_arn);
    if explanation.arn != explanation.canonical_arn {
        let _ = writeln!(
            text,
            "the authenticator looks up {} as {arn}",
            one_line(&explanation.arn)
        );
    }
    if let Some(mapped) = &explanation.access_entry {
        let _ = match &mapped.user {
            Some(Ok(user)) => writeln!(text, "{}", becomes(&arn, user)),
            Some(Err(error)) => writeln!(text, "{}", refused(&arn, &error.cause.to_string())),
            None => writeln!(text, "{}", paint(GAIN, &format!("{arn} has access"))),
        };
        let _ = writeln!(text, "  by {}", access_entry::name(&mapped.entry));
    }
    for answer in &explanation.answers {
        let _ = match &answer.user {
            Ok(user) => writeln!(text, "{}", becomes(&arn, user)),
            Err(error) => writeln!(text, "{}", refused(&arn, &error.to_string())),
        };
        let _ = writeln!(text, "  by {}", place(&answer.place));
    }
    if explanation.answers.is_empty() && explanation.access_entry.is_none() {
        let _ = writeln!(text, "{}", paint(LOSS, &format!("{arn} is not mapped")));
        if !explanation.uses_aws_auth {
            let _ = writeln!(text, "  {}", paint(NOTICE, &Override::Mode.to_string()));
        }
    } else if let Some(reason) = explanation.reason().filter(|_| explanation.allowed()) {
        let _ = writeln!(text, "  {}", paint(NOTICE, &one_line(&reason)));
    }
    let shadows = match explanation.uses_aws_auth {
        true => "shadows",
        false => "no effect:",
    };
    for shadowed in &explanation.shadowed {
        let _ = writeln!(text, "  {shadows} {}", place(shadowed));
    }
    if !explanation.near.is_empty() {
        let _ = writeln!(text, "Nearly matching:");
    }
    for near in &explanation.near {
        let at = paint(PLACE, &format!("{} line {}", near.section.key(), near.line));
        let _ = match near.written.as_str() {
            "" => writeln!(text, "  {at}: {}", one_line(&near.why.to_string())),
            written => writeln!(
                text,
                "  {at}: {}: {}",
                one_line(written),
                one_line(&near.why.to_string())
            ),
        };
    }
    if let Some(mapped) = &explanation.access_entry {
        text += &access_entry::rights(&mapped.entry);
    }
    let users = explanation.users();
    for ((user, _), access) in users.zip(access) {
        let heading = match explanation.answers.len() {
            0 => "What RBAC allows it".to_owned(),
            1 => "What it can do".to_owned(),
            _ => format!("What it can do as {}", user_text(user)),
        };
        text += &rbac::text(&heading, access);
    }
    text
}

fn becomes(arn: &str, user: &User) -> String {
    paint(GAIN, &format!("{arn} becomes {}", user_text(user)))
}

fn refused(arn: &str, why: &str) -> String {
    paint(LOSS, &format!("{arn} is refused: {}", one_line(why)))
}

fn place(place: &Place) -> String {
    paint(
        PLACE,
        &format!("{} line {}", place.section.key(), place.line),
    )
}
