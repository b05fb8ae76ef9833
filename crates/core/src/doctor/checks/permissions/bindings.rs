//! B2: whether RBAC bindings grant the requested permissions.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::remedy;
use crate::rbac::{Rules, UserInfo};

pub(crate) const CHECK: Check = Check {
    id: "B2",
    title: "bindings",
    after: &["M2"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let policy = evidence.policy.seen()?;
    let user = remedy::user(evidence).ok_or_else(|| Skipped::needs("the Kubernetes user (M2)"))?;
    if let Some(unread) = policy.unread.iter().find(|unread| !unread.is_one) {
        return Err(Skipped::needs(format!(
            "permission to list {}: {}",
            unread.resource, unread.why
        )));
    }
    let info = UserInfo::new(&user, &[]);
    let access = policy.access(&info);
    let own: Vec<_> = access
        .grants
        .iter()
        .filter(|grant| !grant.is_for_all_users())
        .collect();
    let mut saw: Vec<String> = own
        .iter()
        .map(|grant| {
            let place = grant.binding.namespace.as_ref();
            let place = place.map_or_else(String::new, |place| format!(" in {place}"));
            format!(
                "{} {}{place} grants {}",
                grant.binding.kind(),
                grant.binding.name,
                grant.binding.role.name
            )
        })
        .collect();
    if info.may_do_everything() {
        saw.push("group system:masters is allowed everything".to_owned());
    }
    let answers = evidence.answers.known();
    let refused = answers.and_then(|answers| answers.iter().find(|one| !one.allowed));
    let Some(refused) = refused else {
        return Outcome::ok(match saw.as_slice() {
            [] => "no binding has the user or its groups as subject; another authorizer grants or denies access"
                .to_owned(),
            saw => saw.join("; "),
        });
    };
    let next = remedy::bind(evidence, &refused.question);
    let groups: Vec<_> = user
        .groups
        .iter()
        .filter(|group| *group != "system:authenticated")
        .cloned()
        .collect();
    if let Some(grant) = own.iter().find(|grant| *grant.rules == Rules::NoSuchRole) {
        let (binding, role) = (&grant.binding.name, &grant.binding.role);
        return Outcome::problem(
            saw.join("; "),
            format!(
                "the binding {binding} refers to {} {}, which does not exist",
                role.kind.name(),
                role.name
            ),
            next,
        );
    }
    if own.is_empty() && !info.may_do_everything() {
        return Outcome::problem(
            "no binding applies".to_owned(),
            format!(
                "no RBAC binding has user {} or {} as subject",
                user.username,
                remedy::groups(&groups)
            ),
            next,
        );
    }
    Outcome::problem(
        saw.join("; "),
        format!(
            "the roles bound to user {} in {} do not allow {}",
            user.username,
            remedy::groups(&groups),
            refused.question
        ),
        next,
    )
}
