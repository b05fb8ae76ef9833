//! Refuses changes after which the caller could no longer write aws-auth.

use super::super::guard_facts::{Known, OpenQuestion};
use super::caller_access::CallerAccess;
use super::{Case, Guard, Verdict, admins, describe};

const ALLOW: &str = "--allow-self-lockout";

/// Refuses to remove the caller's access, or the permission to update aws-auth that an undo needs.
pub(super) fn check(case: &Case<'_>, caller: &CallerAccess, verdict: &mut Verdict) {
    let request = case.request;
    if request.allow.self_lockout {
        return;
    }
    if let Known::Unknown { needs } = &request.facts.caller
        && case.takes_away()
    {
        verdict.not_checked("whether this locks you out", needs);
    }
    let CallerAccess::Mapped {
        arn,
        is_unchanged: false,
        after,
        ..
    } = caller
    else {
        return;
    };
    if after.is_empty() {
        let message = format!("you are {arn}, and would lose access, so you could not undo this");
        verdict.refuse(Guard::SelfLockout, message, ALLOW);
        return;
    }
    for access in after {
        if admins::is_admin(access, &request.facts.admins) {
            continue;
        }
        let user = &access.user;
        let asked = request.facts.may_update.iter().find(|(of, _)| of == user);
        match asked.map(|(_, answer)| answer) {
            None | Some(Known::NotRequested) => verdict
                .open_questions
                .push(OpenQuestion::MayUpdate(user.clone())),
            Some(Known::Is(true)) => {}
            Some(Known::Unknown { needs }) => {
                verdict.not_checked("whether you could still undo this", needs);
            }
            Some(Known::Is(false)) => {
                let message = format!(
                    "you are {arn}, and would become {}, who may not update aws-auth, so you could not undo this",
                    describe(user)
                );
                verdict.refuse(Guard::SelfLockout, message, ALLOW);
            }
        }
    }
}
