//! How a plan changes the caller's access.

use std::collections::HashSet;

use super::super::guard_facts::{Caller, Known};
use super::{Case, Request, State};
use crate::authenticator::{Question, User, explain_in};

/// How the caller has access to the cluster.
#[derive(Debug)]
pub(super) enum CallerAccess {
    /// Not known, or not requested.
    Unknown,
    /// By an access entry, a certificate, or as the cluster's creator.
    NotByAwsAuth,
    ByAwsAuth {
        /// The ARN that the caller signed in with.
        arn: String,
        /// Whether the plan keeps the caller's username and groups.
        is_unchanged: bool,
        /// The users that the caller may become; empty if the caller loses access.
        after: Vec<User>,
    },
}

impl CallerAccess {
    /// Determines the caller's access. `is_by_aws_auth` is the answer for the text that was stored when the API server identified
    /// the caller. Later changes by other
    /// clients do not change how the caller signed in.
    pub(super) fn of(case: &Case<'_>, is_by_aws_auth: Option<bool>) -> Self {
        let request = case.request;
        let Known::Is(caller) = &request.facts.caller else {
            return Self::Unknown;
        };
        let Some(arn) = &caller.arn else {
            return Self::NotByAwsAuth;
        };
        let groups: HashSet<&String> = caller.user.groups.iter().collect();
        // The API server adds groups of its own.
        let is_caller = |user: &User| {
            user.username == caller.user.username
                && user.groups.iter().all(|group| groups.contains(group))
        };
        let includes_caller = |before: &Vec<Option<User>>| {
            is_by_aws_auth.unwrap_or_else(|| before.iter().flatten().any(is_caller))
        };
        let before = users(&case.before, caller, arn, request).filter(includes_caller);
        let Some(before) = before else {
            return Self::NotByAwsAuth;
        };
        let after = users(&case.after, caller, arn, request).unwrap_or_default();
        Self::ByAwsAuth {
            arn: arn.clone(),
            is_unchanged: sorted(&before) == sorted(&after),
            // If one of several matching entries refuses the caller, some of their logins fail.
            after: after.into_iter().collect::<Option<_>>().unwrap_or_default(),
        }
    }

    /// Returns whether the caller has access by aws-auth; `None` if unknown.
    pub(super) fn is_by_aws_auth(&self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::NotByAwsAuth => Some(false),
            Self::ByAwsAuth { .. } => Some(true),
        }
    }

    /// Returns whether the plan changes the caller's username or groups.
    pub(super) fn is_changed(&self) -> bool {
        matches!(
            self,
            Self::ByAwsAuth {
                is_unchanged: false,
                ..
            }
        )
    }
}

/// Returns the users that the caller may become by aws-auth, each `None` if that entry refuses the login. The outer `None` means that
/// aws-auth does not apply.
fn users(
    state: &State<'_>,
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
    let explanation = explain_in(state.document, &state.store, &question).ok()?;
    if explanation.admitted.is_some() || !explanation.uses_aws_auth {
        return None;
    }
    let answers = explanation.answers.into_iter();
    Some(answers.map(|answer| answer.user.ok()).collect())
}

/// Normalizes the order of users and of their groups.
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
