//! How a plan touches whoever carries it out.

use super::super::facts::{Caller, Known};
use super::Request;
use crate::document::Document;
use crate::effect::{Question, User, explain};

/// What aws-auth has to do with whoever carries the plan out.
#[derive(Debug)]
pub(super) enum Standing {
    /// Nobody knows, or nobody asked.
    Unknown,
    /// They come in by another way: an access entry, a certificate, or as the cluster's creator.
    ByOtherWay,
    /// This ARN, by aws-auth; afterwards they would be one of these users, or nobody.
    ByAwsAuth {
        /// Under which ARN.
        arn: String,
        /// Whether that is what they are now.
        is_the_same: bool,
        /// What they may become.
        after: Vec<User>,
    },
}

impl Standing {
    /// `is_by_aws_auth` is what was found of the text that was there when they were asked who they are; what others have made of them
    /// since is not what they came in as.
    pub(super) fn of(
        before: &Document,
        after: &Document,
        request: &Request,
        is_by_aws_auth: Option<bool>,
    ) -> Self {
        let Known::Is(caller) = &request.facts.caller else {
            return Self::Unknown;
        };
        let Some(arn) = &caller.arn else {
            return Self::ByOtherWay;
        };
        let is_them = |was: &Vec<Option<User>>| {
            let mut was = was.iter().flatten();
            is_by_aws_auth.unwrap_or_else(|| was.any(|user| user.is(&caller.user)))
        };
        let Some(was) = users(before, caller, arn, request).filter(is_them) else {
            return Self::ByOtherWay;
        };
        let after = users(after, caller, arn, request).unwrap_or_default();
        Self::ByAwsAuth {
            arn: arn.clone(),
            is_the_same: sorted(&was) == sorted(&after),
            // Who is refused by one of several entries is refused at some logins.
            after: after.into_iter().collect::<Option<_>>().unwrap_or_default(),
        }
    }

    /// Whether aws-auth is what lets them in, where that is known.
    pub(super) fn is_by_aws_auth(&self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::ByOtherWay => Some(false),
            Self::ByAwsAuth { .. } => Some(true),
        }
    }

    /// Whether the plan changes what they become.
    pub(super) fn is_touched(&self) -> bool {
        matches!(
            self,
            Self::ByAwsAuth {
                is_the_same: false,
                ..
            }
        )
    }
}

/// The users that aws-auth may make of the caller, `None` where it refuses them; `None` for all when it is not what decides.
fn users(
    document: &Document,
    caller: &Caller,
    arn: &str,
    request: &Request,
) -> Option<Vec<Option<User>>> {
    let question = Question {
        arn,
        session_name: caller.session_name.as_deref(),
        access_key_id: caller.access_key_id.as_deref(),
        access_entries: request.access_entries.as_deref(),
        ..Question::default()
    };
    let explanation = explain(document, &question).ok()?;
    if explanation.admitted.is_some() || !explanation.aws_auth_counts {
        return None;
    }
    let answers = explanation.answers.into_iter();
    Some(answers.map(|answer| answer.user.ok()).collect())
}

/// Users without regard to order, theirs and that of their groups.
fn sorted(users: &[Option<User>]) -> Vec<Option<(&str, Vec<&str>)>> {
    let mut sorted: Vec<_> = users
        .iter()
        .map(|user| {
            let user = user.as_ref()?;
            let mut groups: Vec<_> = user.groups.iter().map(String::as_str).collect();
            groups.sort_unstable();
            groups.dedup();
            Some((user.username.as_str(), groups))
        })
        .collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}
