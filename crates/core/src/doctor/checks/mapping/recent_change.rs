//! M8: whether aws-auth changed so recently that it may not be in effect yet.

use jiff::SignedDuration;

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::token::cluster_name::{SETTLED, comparison, doubtful};
use crate::doctor::evidence::SignedIn;

pub(crate) const CHECK: Check = Check {
    id: "M8",
    title: "recent change",
    after: &["K5", "K6", "C11", "T1", "T2", "T3", "T4", "T5", "M4"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let explained = evidence.explanation()?;
    let changed = explained.aws_auth.changed;
    let changed =
        changed.ok_or_else(|| Skipped::needs("the time of the last change to aws-auth"))?;
    // The clock of this machine may be behind that of the API server.
    let ago = evidence
        .now
        .duration_since(changed)
        .max(SignedDuration::ZERO);
    let saw = format!("aws-auth changed {} s ago", ago.as_secs());
    let is_unauthorized = matches!(evidence.signed_in.known(), Some(SignedIn::Unauthorized));
    if is_unauthorized
        && explained.explanation.access_entry.is_none()
        && explained.explanation.allowed()
        && ago <= SETTLED
    {
        return match doubtful(evidence) {
            None => Outcome::problem(
                saw.clone(),
                format!("{saw}, and the change is not in effect yet"),
                "run this again, or wait until it is: awsauth verify",
            ),
            Some(name) => Outcome::problem(
                saw.clone(),
                format!(
                    "either the cluster's name is not {name:?}, for which the token is signed, or the change to aws-auth {} s ago is not in effect yet",
                    ago.as_secs()
                ),
                format!(
                    "run this again in {} s; if the token is still rejected, {}",
                    (SETTLED - ago).as_secs() + 1,
                    comparison(evidence, name)
                ),
            ),
        };
    }
    Outcome::ok(saw)
}
