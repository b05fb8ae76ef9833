//! C15: whether the role's trust policy allows the caller to assume it.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::credentials::assume_role_permission::{
    assumed_twice, describe, refused, with_message,
};

pub(crate) const CHECK: Check = Check {
    id: "C15",
    title: "assume role: trust policy",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let none = match refused(evidence)? {
        Ok(none) => none,
        Err(assumed) => return Ok(assumed),
    };
    if assumed_twice(evidence, none).is_some() {
        return Err(Skipped::needs("a caller that is not the role itself (C14)"));
    }
    let Some([_, trust]) = none.policies.as_deref() else {
        return Err(Skipped::needs("the reason for the denial (C14)"));
    };
    if trust.is_unread {
        return Err(Skipped::needs(format!(
            "iam:GetRole to read {}",
            trust.title
        )));
    }
    if !trust.is_missing {
        return match &trust.statement {
            Some(statement) => {
                Outcome::ok(format!("{}; it must contain: {statement}", describe(trust)))
            }
            None => Outcome::ok(describe(trust)),
        };
    }
    let next = match (&trust.statement, &none.obstacle) {
        (Some(statement), _) => format!("add to {}: {statement}", trust.title),
        (None, Some(obstacle)) => {
            let problem = with_message(none, obstacle);
            return Outcome::from_problem(describe(trust), &problem);
        }
        (None, None) => none.problem.next.clone(),
    };
    let cause = format!(
        "the role's trust policy does not allow the caller: {}",
        none.problem.cause
    );
    Outcome::problem(describe(trust), cause, next)
}
