//! C11: whether this machine's clock agrees with AWS.

use jiff::SignedDuration;

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};

pub(crate) const CHECK: Check = Check {
    id: "C11",
    title: "clock skew",
    after: &[],
    judge,
};

/// STS rejects signatures that differ by more.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// Returns whether the clock is so far off that AWS rejects its signatures.
pub(crate) fn is_off(ahead: Option<SignedDuration>) -> bool {
    ahead.is_some_and(|ahead| ahead.abs() > TOLERATED)
}

fn judge(evidence: &Evidence) -> CheckResult {
    let ahead = evidence.clock_ahead();
    let ahead = ahead.ok_or_else(|| Skipped::needs("a response from STS with its date"))?;
    let way = if ahead.is_positive() {
        "ahead of"
    } else {
        "behind"
    };
    let by = ahead.abs();
    if by > TOLERATED {
        return Outcome::problem(
            format!(
                "this machine's clock and the Date of STS differ by {} s",
                by.as_secs()
            ),
            format!(
                "this machine's clock is {} minutes {way} AWS, which accepts no signature that is more than 5 minutes off",
                by.as_mins()
            ),
            "sudo chronyc makestep",
        );
    }
    Outcome::ok(match by > NOTED {
        true => format!(
            "this machine's clock is {} s {way} AWS: set it before the difference grows",
            by.as_secs()
        ),
        false => "this machine's clock agrees with AWS".to_owned(),
    })
}
