use super::c1::failed_at;
use super::evidence::{Half, Place};
use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "C14",
    title: "assume role, caller's half",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let none = match failed_at(evidence, Place::AssumeRole)? {
        Err(none) => none,
        Ok(keys) if keys.roles.is_empty() => return Err(Skipped::needs("a role to assume")),
        Ok(keys) => return Outcome::ok(format!("assumed {}", keys.roles.join(", then "))),
    };
    let Some([own, trust]) = none.halves.as_deref() else {
        return Outcome::trouble("sts:AssumeRole", &none.trouble);
    };
    if trust.is_missing && !own.is_missing {
        return Outcome::ok(said(own));
    }
    let next = match &own.statement {
        Some(statement) => format!("add to {}: {statement}", own.title),
        None => none.trouble.next.clone(),
    };
    Outcome::problem(said(own), &none.trouble.cause, next)
}

/// What a half says.
pub(super) fn said(half: &Half) -> String {
    format!("{}: {}", half.title, half.because)
}
