use super::evidence::SignedIn;
use super::t2::SETTLED;
use super::{Evidence, Judged, Outcome, Rung, Skipped};

pub(super) const RUNG: Rung = Rung {
    id: "M8",
    title: "too early",
    after: &["M4"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let explained = evidence.explanation()?;
    let changed = explained.aws_auth.changed;
    let changed = changed.ok_or_else(|| Skipped::needs("to know when aws-auth changed"))?;
    let ago = evidence.now.duration_since(changed);
    let saw = format!("aws-auth changed {} s ago", ago.as_secs());
    let is_out = matches!(evidence.signed_in.known(), Some(SignedIn::Unauthorized));
    if is_out
        && explained.explanation.admitted.is_none()
        && explained.explanation.allowed()
        && ago <= SETTLED
    {
        return Outcome::problem(
            saw.clone(),
            format!("{saw}, and this has not come into force yet"),
            "run this again, or wait for it: awsauth verify",
        );
    }
    Outcome::ok(saw)
}
