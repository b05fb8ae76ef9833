use super::c1::failed_at;
use super::c14::said;
use super::evidence::Place;
use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "C15",
    title: "assume role, role's half",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let none = match failed_at(evidence, Place::AssumeRole)? {
        Err(none) => none,
        Ok(keys) if keys.roles.is_empty() => return Err(Skipped::needs("a role to assume")),
        Ok(keys) => return Outcome::ok(format!("assumed {}", keys.roles.join(", then "))),
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
