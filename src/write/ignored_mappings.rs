//! Refuses mappings in aws-auth that the cluster would ignore, and points to access entries.

use crate::backend::Backend;
use crate::terminal::{self, Failure};
use awsauth_core::plan::{Guard, Plan, Refusal, aws_auth_is_ignored};

/// The flag that overrides the guard.
const ALLOW: &str = "--allow-ignored";

/// What to do instead.
const OTHER_STORE: &str =
    "to change access entries instead, use map, unmap or apply without --backend aws-auth";

/// Returns whether the cluster is known to ignore aws-auth.
pub(crate) fn is_ignored(backend: &Backend) -> bool {
    refusal(backend).is_some()
}

fn refusal(backend: &Backend) -> Option<Refusal> {
    aws_auth_is_ignored(backend.eks().and_then(|eks| eks.facts.authentication_mode))
}

/// Refuses to write an aws-auth that the cluster is known to ignore.
pub(crate) fn refuse_if_ignored(backend: &Backend) -> Result<(), Failure> {
    let Some(refusal) = refusal(backend) else {
        return Ok(());
    };
    let by = terminal::Refusal {
        guard: refusal.guard.id(),
        reason: refusal.guard.reason(),
    };
    let failure = Failure::refused(by, refusal.message).hint(OTHER_STORE);
    let failure = failure.hint(format!("to write it anyway, add {ALLOW}"));
    Err(failure.unless(ALLOW))
}

/// Adds what to do instead of a mapping that would have no effect.
pub(crate) fn with_other_store(failure: Failure, plan: &Plan) -> Failure {
    let mut refusals = plan.refusals.iter();
    match refusals.any(|refusal| refusal.guard == Guard::Ignored) {
        true => failure.hint(OTHER_STORE),
        false => failure,
    }
}
