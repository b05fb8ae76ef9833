use super::super::facts::{Known, Open};
use super::caller::Standing;
use super::{Case, Guard, Said, admins};
use crate::effect::User;

const ALLOW: &str = "--allow-self-lockout";

/// Refuses to lock out whoever carries the plan out, or to take from them what the way back needs.
pub(super) fn check(case: &Case<'_>, said: &mut Said) {
    let request = case.request;
    if request.allow.self_lockout {
        return;
    }
    if let Known::Unknown { needs } = &request.facts.caller
        && case.takes_away()
    {
        said.not_checked("whether this locks you out", needs);
    }
    let Standing::ByAwsAuth {
        arn,
        is_the_same: false,
        after,
    } = &case.caller
    else {
        return;
    };
    if after.is_empty() {
        let message =
            format!("you are {arn}, and would no longer be let in: you could not take this back");
        said.refuse(Guard::SelfLockout, message, ALLOW);
        return;
    }
    for user in after {
        if admins::why(user, &request.facts.admins).is_some() {
            continue;
        }
        let asked = request.facts.may_update.iter().find(|(of, _)| of == user);
        match asked.map(|(_, answer)| answer) {
            None | Some(Known::NotAsked) => said.open.push(Open::MayUpdate(user.clone())),
            Some(Known::Is(true)) => {}
            Some(Known::Unknown { needs }) => {
                said.not_checked("whether you could still take this back", needs);
            }
            Some(Known::Is(false)) => {
                let message = format!(
                    "you are {arn}, and would become {}, who may not update aws-auth: you could not take this back",
                    name(user)
                );
                said.refuse(Guard::SelfLockout, message, ALLOW);
            }
        }
    }
}

fn name(user: &User) -> String {
    match user.groups.as_slice() {
        [] => format!("user {} without groups", user.username),
        groups => format!("user {} in {}", user.username, groups.join(", ")),
    }
}
