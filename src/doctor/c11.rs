use jiff::SignedDuration;

use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "C11",
    title: "clock",
    after: &[],
    judge,
};

/// STS takes no signature that is older or younger.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// Whether a clock is so far off that AWS takes no signature of it.
pub(super) fn is_off(ahead: Option<SignedDuration>) -> bool {
    ahead.is_some_and(|ahead| ahead.abs() > TOLERATED)
}

fn judge(evidence: &Evidence) -> Judged {
    let ahead = evidence.clock_ahead();
    let ahead = ahead.ok_or_else(|| Skipped::needs("an answer of STS with its date"))?;
    let way = if ahead.is_positive() {
        "ahead of"
    } else {
        "behind"
    };
    let by = ahead.abs();
    if by > TOLERATED {
        return Outcome::problem(
            format!(
                "this machine's clock and the Date of STS: {} s apart",
                by.as_secs()
            ),
            format!(
                "this machine's clock is {} minutes {way} AWS's, which takes no signature that is more than 5 minutes off",
                by.as_mins()
            ),
            "sudo chronyc makestep",
        );
    }
    Outcome::ok(match by > NOTED {
        true => format!(
            "this machine's clock is {} s {way} AWS's: set it before it is minutes",
            by.as_secs()
        ),
        false => "this machine's clock and AWS's agree".to_owned(),
    })
}
