//! How a plan changes the caller's access.

use std::collections::HashSet;

use super::super::guard_facts::{Caller, Known};
use super::{Case, State};
use crate::authenticator::{Question, User, explain_in};
use crate::facts::access_entries::AccessPolicy;

/// How the caller has access to the cluster.
#[derive(Debug)]
pub(super) enum CallerAccess {
    /// Not known, or not requested.
    Unknown,
    /// With a certificate, as the cluster's creator, or through an access entry whose contents are unknown.
    Otherwise,
    /// By aws-auth or an access entry.
    Mapped {
        /// The ARN that the caller signed in with.
        arn: String,
        /// Whether an access entry applies before the plan.
        is_by_entry: bool,
        /// Whether the plan keeps the caller's username, groups and access policies.
        is_unchanged: bool,
        /// The users that the caller may become; empty if the caller loses access.
        after: Vec<CallerUser>,
    },
}

/// A user that the caller may become.
#[derive(Clone, Debug)]
pub(super) struct CallerUser {
    pub(super) user: User,
    /// The access policies of the access entry.
    pub(super) policies: Vec<AccessPolicy>,
    /// Whether an access entry applies, and not aws-auth.
    pub(super) is_by_entry: bool,
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
            return Self::Otherwise;
        };
        let groups: HashSet<&String> = caller.user.groups.iter().collect();
        // The API server adds groups of its own.
        let is_caller = |user: &CallerUser| {
            user.user.username == caller.user.username
                && user.user.groups.iter().all(|group| groups.contains(group))
        };
        let Some(before) = users(&case.before, caller, arn) else {
            return Self::Otherwise;
        };
        let is_by_entry = before.iter().flatten().any(|user| user.is_by_entry);
        let signed_in_by_it = match is_by_aws_auth.filter(|_| !is_by_entry) {
            Some(is_by_aws_auth) => is_by_aws_auth,
            None => before.iter().flatten().any(is_caller),
        };
        if !signed_in_by_it {
            return Self::Otherwise;
        }
        let after = users(&case.after, caller, arn).unwrap_or_default();
        Self::Mapped {
            arn: arn.clone(),
            is_by_entry,
            is_unchanged: sorted(&before) == sorted(&after),
            // If one of several matching entries refuses the caller, some of their logins fail.
            after: after.into_iter().collect::<Option<_>>().unwrap_or_default(),
        }
    }

    /// Returns whether the caller has access through aws-auth; `None` if unknown.
    pub(super) fn is_by_aws_auth(&self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Otherwise => Some(false),
            Self::Mapped { is_by_entry, .. } => Some(!is_by_entry),
        }
    }

    /// Returns whether the plan changes the caller's username, groups or access policies.
    pub(super) fn is_changed(&self) -> bool {
        matches!(
            self,
            Self::Mapped {
                is_unchanged: false,
                ..
            }
        )
    }
}

/// Returns the users that the caller may become, each `None` if that entry refuses the login; none if the caller has no access.
/// The outer `None` means that the contents of the caller's access entry are unknown.
fn users(state: &State<'_>, caller: &Caller, arn: &str) -> Option<Vec<Option<CallerUser>>> {
    let question = Question {
        arn,
        session_name: caller.session_name.as_deref(),
        access_key_id: caller.access_key_id.as_deref(),
        access_entries: state.entries,
        ..Question::default()
    };
    let explanation = explain_in(state.document, &state.store, &question).ok()?;
    if let Some(mapped) = explanation.access_entry {
        let terms = mapped.entry.terms.as_ref()?;
        let user = mapped.user.as_ref()?.as_ref().ok();
        return Some(vec![user.map(|user| CallerUser {
            user: user.clone(),
            policies: terms.policies().to_vec(),
            is_by_entry: true,
        })]);
    }
    let answers = explanation.answers.into_iter();
    Some(
        answers
            .map(|answer| {
                Some(CallerUser {
                    user: answer.user.ok()?,
                    policies: Vec::new(),
                    is_by_entry: false,
                })
            })
            .collect(),
    )
}

/// A user with its groups and policies, in an order that can be compared.
type Comparable<'a> = (&'a str, Vec<&'a str>, Vec<String>);

/// Normalizes the order of users, of their groups and of their policies.
fn sorted(users: &[Option<CallerUser>]) -> Vec<Option<Comparable<'_>>> {
    let mut sorted: Vec<_> = users
        .iter()
        .map(|user| {
            let CallerUser { user, policies, .. } = user.as_ref()?;
            let mut groups: Vec<_> = user.groups.iter().map(String::as_str).collect();
            groups.sort_unstable();
            groups.dedup();
            let mut policies: Vec<String> = policies
                .iter()
                .map(|policy| format!("{} {}", policy.arn, policy.scope))
                .collect();
            policies.sort_unstable();
            Some((user.username.as_str(), groups, policies))
        })
        .collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}
