use super::super::facts::Known;
use super::{Case, Notice, Said, admins};
use crate::effect::{OWN_ARN, User};
use crate::facts::accounts::is_account_id;

/// The rules that find users and groups which whoever signs in chooses.
const CHOSEN: [&str; 2] = ["U04", "G09"];

/// Tells who becomes an administrator, or whatever they choose to be. It never refuses: somebody has asked for it.
pub(super) fn check(case: &Case<'_>, said: &mut Said) {
    let bound = &case.request.facts.admins;
    let mut not_known = Vec::new();
    for change in case.access {
        let was = change
            .before
            .iter()
            .find_map(|user| admins::why(user, bound));
        let is = change
            .after
            .iter()
            .find_map(|user| admins::why(user, bound));
        if let (None, Some(how)) = (was, &is) {
            said.notices.push(Notice::Granted {
                arn: change.arn.clone(),
                what: format!("becomes cluster admin {how}"),
            });
        }
        if is_account(&change.after) && !is_account(&change.before) && is_account_id(&change.arn) {
            said.notices.push(Notice::Granted {
                arn: format!("account {}", change.arn),
                what: "lets in each of its roles and users, named by their ARNs and without groups"
                    .to_owned(),
            });
        }
        if is.is_none() {
            not_known.extend(gained(&change.before, &change.after));
        }
    }
    for finding in case.findings {
        if let (true, Some(principal)) = (CHOSEN.contains(&finding.rule.id), &finding.principal) {
            said.notices.push(Notice::Granted {
                arn: principal.clone(),
                what: format!("becomes what it chooses: {}", finding.message),
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
        said.not_checked(
            format!("whether group {first}{more} is bound to cluster-admin"),
            needs,
        );
    }
}

/// The groups that come, but for those that Kubernetes knows.
fn gained<'a>(before: &'a [User], after: &'a [User]) -> impl Iterator<Item = &'a str> {
    let had: Vec<&String> = before.iter().flat_map(|user| &user.groups).collect();
    let groups = after.iter().flat_map(|user| &user.groups);
    groups
        .filter(move |group| !had.contains(group) && !group.starts_with("system:"))
        .map(String::as_str)
}

fn is_account(users: &[User]) -> bool {
    users.iter().any(|user| user.username == OWN_ARN)
}
