use super::c14::{refused, said};
use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "C15",
    title: "assume role, role's half",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let none = match refused(evidence)? {
        Ok(none) => none,
        Err(assumed) => return Ok(assumed),
    };
    let Some([_, trust]) = none.halves.as_deref() else {
        return Err(Skipped::needs("what AWS says of the refusal (C14)"));
    };
    if !trust.is_missing {
        return match &trust.statement {
            Some(statement) => Outcome::ok(format!("{}; it must have: {statement}", said(trust))),
            None => Outcome::ok(said(trust)),
        };
    }
    let next = match &trust.statement {
        Some(statement) => format!("add to {}: {statement}", trust.title),
        None => none.trouble.next.clone(),
    };
    Outcome::problem(said(trust), &none.trouble.cause, next)
}
