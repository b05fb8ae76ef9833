//! C14: whether the caller's own policies allow it to assume the role.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::credentials::provider_chain::failed_at;
use crate::doctor::evidence::{FailedAt, PolicySide, SearchFailed};

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
        return Outcome::ok(describe(own));
    }
    let next = match &own.statement {
        Some(statement) => format!("add to {}: {statement}", own.title),
        None => none.problem.next.clone(),
    };
    Outcome::problem(describe(own), &none.problem.cause, next)
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
