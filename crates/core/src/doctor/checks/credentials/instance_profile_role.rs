//! C8: whether the instance profile provides credentials of a role.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "C8",
    title: "instance profile's role",
    after: &["C1", "C5", "C6", "C7"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    of_source(
        evidence,
        FailedAt::NoRole,
        &["instance"],
        "credentials from an instance",
        |_| "the instance profile provides a role's credentials".to_owned(),
    )
}
