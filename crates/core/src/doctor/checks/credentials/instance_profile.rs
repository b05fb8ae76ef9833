//! C7: whether the instance has an instance profile.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "C7",
    title: "instance profile",
    after: &["C1", "C5", "C6"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    of_source(
        evidence,
        FailedAt::NoProfile,
        &["instance"],
        "credentials from an instance",
        |_| "the instance has an instance profile".to_owned(),
    )
}
