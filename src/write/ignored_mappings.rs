//! Refuses mappings in aws-auth that the cluster would ignore, and points to access entries.

use crate::backend::Backend;
use crate::terminal::{self, Failure};
use awsauth_core::plan::{Guard, Plan, aws_auth_is_ignored};

/// The flag that overrides the guard.
const ALLOW: &str = "--allow-ignored";

/// What to do instead.
const OTHER_STORE: &str =
    "to change access entries instead, use map, unmap or apply without --backend aws-auth";

/// Refuses to write an aws-auth that the cluster is known to ignore.
pub(crate) fn refuse_if_ignored(backend: &Backend) -> Result<(), Failure> {
    let mode = backend.eks().and_then(|eks| eks.facts.authentication_mode);
    let Some(refusal) = aws_auth_is_ignored(mode) else {
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
