//! C14: whether the caller's own policies allow it to assume the role.

use crate::arn::{Normalized, Parts, canonical, normalize};
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::credentials::provider_chain::failed_at;
use crate::doctor::evidence::{FailedAt, PolicySide, Problem, SearchFailed, User};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "C14",
    title: "assume role: permission",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let none = match refused(evidence)? {
        Ok(none) => none,
        Err(assumed) => return Ok(assumed),
    };
    if let Some(problem) = assumed_twice(evidence, none) {
        return Outcome::from_problem("sts:AssumeRole", &problem);
    }
    let Some([own, trust]) = none.policies.as_deref() else {
        return Outcome::from_problem("sts:AssumeRole", &none.problem);
    };
    if trust.is_missing && !own.is_missing {
        return match own.is_unread {
            true => Err(Skipped::needs(format!("to read {}", describe(own)))),
            false => Outcome::ok(describe(own)),
        };
    }
    if let (Some(obstacle), false) = (&none.obstacle, own.is_missing) {
        return Outcome::from_problem(describe(own), &with_message(none, obstacle));
    }
    if !own.is_missing {
        let cause = format!(
            "{}; AWS does not report which policy denies it",
            none.problem.cause
        );
        return Outcome::problem(describe(own), cause, possible_causes(none, own));
    }
    let next = match (&own.statement, &none.obstacle) {
        (Some(statement), _) => format!("add to {}: {statement}", own.title),
        (None, Some(obstacle)) => {
            return Outcome::from_problem(describe(own), &with_message(none, obstacle));
        }
        (None, None) => none.problem.next.clone(),
    };
    Outcome::problem(describe(own), &none.problem.cause, next)
}

/// Returns the problem that a role has to assume itself, because two settings name it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html>
pub(crate) fn assumed_twice(evidence: &Evidence, none: &SearchFailed) -> Option<Problem> {
    const FLAGS: [&str; 3] = ["--role-arn", "--role", "-r"];
    let (role, caller) = (none.role.as_deref()?, none.caller.as_deref()?);
    let own = canonical(caller).ok()?.arn;
    if Parts::of(caller)?.service != "sts" || !is_same_role(role, &own) {
        return None;
    }
    let cause = format!(
        "{role} is assumed twice: the credentials that assume it are already those of this role, and it may not assume itself: {}",
        none.problem.cause
    );
    let entry = evidence.entry().ok();
    let exec = entry.and_then(|entry| match &entry.user {
        User::Exec(exec) => Some((entry, exec)),
        _ => None,
    });
    let of_plugin = exec.filter(|(_, exec)| {
        let value = exec.argument(&FLAGS);
        value.is_some_and(|value| is_same_role(value, &own))
    });
    let Some((entry, exec)) = of_plugin else {
        return Some(Problem {
            cause,
            next: "remove role_arn from the profile, or --role-arn, because the source of the credentials has the role already; or name another source_profile".to_owned(),
        });
    };
    let mut kept = Vec::new();
    let mut args = exec.args.iter();
    while let Some(arg) = args.next() {
        let flag = arg.split_once('=').map_or(arg.as_str(), |(flag, _)| flag);
        if !FLAGS.contains(&flag) {
            kept.push(arg.as_str());
        } else if !arg.contains('=') {
            args.next();
        }
    }
    let step = "remove the role from the arguments of the exec plugin".to_owned();
    Some(Problem {
        cause,
        next: entry.change_plugin_command(step, &exec.command, kept.into_iter()),
    })
}

/// Returns whether an ARN of a role, which may have an IAM path, is this one.
fn is_same_role(role: &str, canonical: &str) -> bool {
    match normalize(role) {
        Normalized::PathDropped { arn, .. } => arn.eq_ignore_ascii_case(canonical),
        _ => role.eq_ignore_ascii_case(canonical),
    }
}

/// Returns an obstacle with the message of AWS.
pub(crate) fn with_message(none: &SearchFailed, obstacle: &Problem) -> Problem {
    Problem {
        cause: format!("{}: {}", obstacle.cause, none.problem.cause),
        next: obstacle.next.clone(),
    }
}

/// Returns what to check if no policy is known to deny the request: the trust policy decides most often, and a role that
/// does not exist gives the same message.
fn possible_causes(none: &SearchFailed, own: &PolicySide) -> String {
    let role = none.role.as_deref().and_then(Parts::of);
    let role = quoted(role.map_or("ROLE", |role| role.name));
    let external_id = match none.has_external_id {
        true => "the sts:ExternalId of the request",
        false => "no sts:ExternalId (external_id in the profile)",
    };
    let statement = match &own.statement {
        Some(statement) if own.is_unread => format!(", and must also contain: {statement}"),
        _ => String::new(),
    };
    format!(
        "ask a user who may read IAM to check, in this order: the role exists and its trust policy names the caller (aws iam get-role --role-name {role}); \
         a condition of the trust policy accepts {external_id} and no MFA code (mfa_serial in the profile), and its other conditions hold (aws:SourceIp, …); {} allow it{statement}",
        own.title
    )
}

/// Returns the failed search if a role could not be assumed, or else the outcome that lists the assumed roles.
pub(crate) fn refused(evidence: &Evidence) -> Result<Result<&SearchFailed, Outcome>, Skipped> {
    match failed_at(evidence, FailedAt::AssumeRole)? {
        Err(none) => Ok(Ok(none)),
        Ok(keys) if keys.roles.is_empty() => Err(Skipped::needs("a role to assume")),
        Ok(keys) => Outcome::ok(format!("assumed {}", keys.roles.join(", then "))).map(Err),
    }
}

/// Returns a description of a policy.
pub(crate) fn describe(policy: &PolicySide) -> String {
    format!("{}: {}", policy.title, policy.because)
}
