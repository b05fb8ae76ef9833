//! C6: whether responses of instance metadata arrive.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "C6",
    title: "hop limit",
    after: &["C1", "C5"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    of_source(
        evidence,
        FailedAt::HopLimit,
        &["instance"],
        "credentials from an instance",
        |_| "responses arrive".to_owned(),
    )
}
