//! Reports new administrators.

use std::collections::HashSet;

use super::super::guard_facts::Known;
use super::{Case, Notice, Verdict, admins};
use crate::authenticator::{OWN_ARN, User};
use crate::facts::accounts::is_account_id;

/// The lint rules that find usernames and groups which the identity that signs in can choose.
const CHOSEN_BY_CALLER: [&str; 2] = ["U04", "G09"];

/// Reports identities that become administrators or can choose their own username. Never refuses, because the user has requested the
/// change.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let bound = &case.request.facts.admins;
    let mut not_known = Vec::new();
    for change in case.access {
        let reason = |users: &[User], policies| {
            let by_user = users.iter().find_map(|user| admins::reason(user, bound));
            by_user.or_else(|| admins::policy_reason(policies))
        };
        let was = reason(&change.before, &change.policies_before);
        let is = reason(&change.after, &change.policies_after);
        if let (None, Some(how)) = (was, &is) {
            verdict.notices.push(Notice::Granted {
                arn: change.arn.clone(),
                what: format!("becomes cluster admin {how}"),
            });
        }
        if is_account(&change.after) && !is_account(&change.before) && is_account_id(&change.arn) {
            verdict.notices.push(Notice::Granted {
                arn: format!("account {}", change.arn),
                what: "gives access to each of its roles and users, with the ARN as the username and without groups"
                    .to_owned(),
            });
        }
        if is.is_none() {
            not_known.extend(gained(&change.before, &change.after));
        }
    }
    // One entry can have many such groups.
    let mut reported = HashSet::new();
    for finding in case.findings {
        if let (true, Some(principal)) = (
            CHOSEN_BY_CALLER.contains(&finding.rule.id),
            &finding.principal,
        ) && reported.insert((principal, &finding.message))
        {
            verdict.notices.push(Notice::Granted {
                arn: principal.to_string(),
                what: format!("can choose its own username or groups: {}", finding.message),
            });
        }
    }
    not_known.sort_unstable();
    not_known.dedup();
    if let (Known::Unknown { needs }, [first, rest @ ..]) = (bound, not_known.as_slice()) {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" or one of {more} more"),
        };
        verdict.not_checked(
            format!("whether group {first}{more} is bound to cluster-admin"),
            needs,
        );
    }
}

/// Returns the new groups, without those that are built into Kubernetes.
fn gained<'a>(before: &'a [User], after: &'a [User]) -> impl Iterator<Item = &'a str> {
    let had: HashSet<&String> = before.iter().flat_map(|user| &user.groups).collect();
    let groups = after.iter().flat_map(|user| &user.groups);
    groups
        .filter(move |group| !had.contains(group) && !group.starts_with("system:"))
        .map(String::as_str)
}

fn is_account(users: &[User]) -> bool {
    users.iter().any(|user| user.username == OWN_ARN)
}
