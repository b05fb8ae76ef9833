//! A check and its result.

use super::evidence::{Evidence, Problem};

/// One check of `awsauth doctor`.
#[derive(Debug)]
pub struct Check {
    /// A stable id, such as `K1`.
    pub id: &'static str,
    /// What the check verifies, in a few words.
    pub title: &'static str,
    /// The ids of the checks that must pass before this one runs.
    pub after: &'static [&'static str],
    /// Judges the evidence.
    pub judge: fn(&Evidence) -> CheckResult,
}

/// The result of a check; an error if there is no evidence to judge.
pub type CheckResult = Result<Outcome, Skipped>;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the check found, as text for the report.
    pub saw: String,
    /// The problem, if there is one.
    pub problem: Option<Problem>,
}

/// Why a check has no outcome: it lacks evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The missing evidence, or the permission to read it.
    pub needs: String,
}

impl Skipped {
    /// Creates the result of a check that lacks `what`.
    pub fn needs(what: impl Into<String>) -> Self {
        Self { needs: what.into() }
    }
}

impl Outcome {
    pub(super) fn ok(saw: impl Into<String>) -> CheckResult {
        Ok(Self {
            saw: saw.into(),
            problem: None,
        })
    }

    pub(super) fn problem(
        saw: impl Into<String>,
        cause: impl Into<String>,
        next: impl Into<String>,
    ) -> CheckResult {
        Ok(Self {
            saw: saw.into(),
            problem: Some(Problem {
                cause: cause.into(),
                next: next.into(),
            }),
        })
    }

    pub(super) fn from_problem(saw: impl Into<String>, problem: &Problem) -> CheckResult {
        Self::problem(saw, &problem.cause, &problem.next)
    }
}
