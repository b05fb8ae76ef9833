//! C14: whether the caller's own policies allow it to assume the role.

use crate::arn::Parts;
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::credentials::provider_chain::failed_at;
use crate::doctor::evidence::{FailedAt, PolicySide, Problem, SearchFailed};
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
