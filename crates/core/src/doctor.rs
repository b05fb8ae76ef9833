//! Finds the cause of "Unauthorized": checks that judge collected evidence, as pure functions.
//!
//! A check has an id, the checks that it depends on, and a function that judges [`Evidence`]. The diagnosis is the first problem on
//! the path to a signed-in user.

mod access_policies;
mod check;
mod checks;
mod denied_request;
pub mod evidence;
mod faulty_proxy;
mod headline;
mod likely_access_entry;
mod lint_causes;
mod remedy;
mod similar_access_entry;
mod symptom;
mod unknown_placeholder;
mod user_after_fix;

pub use check::{Check, CheckResult, Outcome, Skipped};
pub use checks::CHECKS;
pub use evidence::Evidence;
pub use headline::{Headline, SignInState};
pub use symptom::{Symptom, denied_questions, error_line, symptom};
pub use user_after_fix::user_after_fix;

/// The results of all checks.
#[derive(Debug)]
pub struct Report {
    /// Each check with its result, in the order of [`CHECKS`].
    pub checks: Vec<(&'static Check, CheckResult)>,
    /// The diagnosis.
    pub headline: Headline,
}

/// Judges all evidence.
pub fn diagnose(evidence: &Evidence) -> Report {
    let mut checks: Vec<(&'static Check, CheckResult)> = Vec::new();
    for check in &CHECKS {
        let blocker = check.after.iter().find(|id| is_problem(&checks, id));
        let judged = match blocker {
            Some(id) => Err(Skipped::needs(format!("{id} to be fixed first"))),
            None => (check.judge)(evidence),
        };
        checks.push((check, judged));
    }
    let headline = headline::of(evidence, &checks);
    Report { checks, headline }
}

fn is_problem(checks: &[(&'static Check, CheckResult)], id: &str) -> bool {
    let found = checks.iter().find(|(check, _)| check.id == id);
    found.is_some_and(|(_, judged)| {
        judged
            .as_ref()
            .is_ok_and(|outcome| outcome.problem.is_some())
    })
}
