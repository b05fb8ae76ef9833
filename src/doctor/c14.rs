use super::c1::failed_at;
use super::evidence::{Half, NoKeys, Place};
use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "C14",
    title: "assume role, caller's half",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let none = match refused(evidence)? {
        Ok(none) => none,
        Err(assumed) => return Ok(assumed),
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

/// Why a role was not assumed; else what to say of those that were.
pub(super) fn refused(evidence: &Evidence) -> Result<Result<&NoKeys, Outcome>, Skipped> {
    match failed_at(evidence, Place::AssumeRole)? {
        Err(none) => Ok(Ok(none)),
        Ok(keys) if keys.roles.is_empty() => Err(Skipped::needs("a role to assume")),
        Ok(keys) => Outcome::ok(format!("assumed {}", keys.roles.join(", then "))).map(Err),
    }
}

/// What a half says.
pub(super) fn said(half: &Half) -> String {
    format!("{}: {}", half.title, half.because)
}
