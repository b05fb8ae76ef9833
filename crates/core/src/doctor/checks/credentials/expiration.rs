//! C9: whether the credentials have expired.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::checks::credentials::provider_chain::failed_at;
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "C9",
    title: "expiration",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    match failed_at(evidence, FailedAt::Expired)? {
        Err(none) => Outcome::from_problem("the credentials have an expiration", &none.problem),
        Ok(keys) => {
            let mut saw = match keys.expiration {
                Some(end) => format!("they expire at {end}"),
                None => "they have no expiration".to_owned(),
            };
            for note in &keys.notes {
                saw += &format!("; {note}");
            }
            Outcome::ok(saw)
        }
    }
}
