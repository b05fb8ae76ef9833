use crate::doctor::Evidence;
use crate::doctor::check::{Check, Judged, Outcome, Skipped};
use crate::doctor::checks::credentials::assume_role_permission::{refused, said};

pub(crate) const CHECK: Check = Check {
    id: "C15",
    title: "assume role: trust policy",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let none = match refused(evidence)? {
        Ok(none) => none,
        Err(assumed) => return Ok(assumed),
    };
    let Some([_, trust]) = none.halves.as_deref() else {
        return Err(Skipped::needs("the reason for the denial (C14)"));
    };
    if !trust.is_missing {
        return match &trust.statement {
            Some(statement) => {
                Outcome::ok(format!("{}; it must contain: {statement}", said(trust)))
            }
            None => Outcome::ok(said(trust)),
        };
    }
    let next = match &trust.statement {
        Some(statement) => format!("add to {}: {statement}", trust.title),
        None => none.problem.next.clone(),
    };
    Outcome::problem(said(trust), &none.problem.cause, next)
}
