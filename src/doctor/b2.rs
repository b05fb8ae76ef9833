use super::{Evidence, Judged, Outcome, Rung, Skipped, remedy};
use crate::rbac::{Rules, UserInfo};

pub(super) const RUNG: Rung = Rung {
    id: "B2",
    title: "bindings",
    after: &["M2"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let policy = evidence.policy.seen()?;
    let user = remedy::user(evidence).ok_or_else(|| Skipped::needs("to know the user (M2)"))?;
    if let Some(unread) = policy.unread.iter().find(|unread| !unread.is_one) {
        return Err(Skipped::needs(format!(
            "somebody who may list {}: {}",
            unread.resource, unread.why
        )));
    }
    let info = UserInfo::new(&user, &[]);
    let access = policy.access(&info);
    let own: Vec<_> = access
        .grants
        .iter()
        .filter(|grant| !grant.is_for_everybody())
        .collect();
    let mut saw: Vec<String> = own
        .iter()
        .map(|grant| {
            let place = grant.binding.namespace.as_ref();
            let place = place.map_or_else(String::new, |place| format!(" in {place}"));
            format!(
                "{} {}{place} gives {}",
                grant.binding.kind(),
                grant.binding.name,
                grant.binding.role.name
            )
        })
        .collect();
    if info.may_do_everything() {
        saw.push("group system:masters may do everything".to_owned());
    }
    let answers = evidence.answers.known();
    let refused = answers.and_then(|answers| answers.iter().find(|one| !one.allowed));
    let Some(refused) = refused else {
        return Outcome::ok(match saw.as_slice() {
            [] => {
                "no binding names the user or one of its groups; something else decides".to_owned()
            }
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
                "the binding {binding} gives the {} {}, which does not exist",
                role.kind.name(),
                role.name
            ),
            next,
        );
    }
    if own.is_empty() && !info.may_do_everything() {
        return Outcome::problem(
            "no binding reaches them".to_owned(),
            format!(
                "no RBAC binding names user {} or {}",
                user.username,
                remedy::groups(&groups)
            ),
            next,
        );
    }
    Outcome::problem(
        saw.join("; "),
        format!(
            "what is bound to user {} in {} does not allow to {}",
            user.username,
            remedy::groups(&groups),
            refused.question
        ),
        next,
    )
}
