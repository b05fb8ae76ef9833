//! C5: whether instance metadata can be reached.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "C5",
    title: "instance metadata",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    of_source(
        evidence,
        FailedAt::Imds,
        &["instance"],
        "credentials from an instance",
        |_| "instance metadata responds".to_owned(),
    )
}
