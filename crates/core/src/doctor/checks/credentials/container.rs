//! C4: whether the container credentials endpoint works.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "C4",
    title: "container credentials",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    of_source(
        evidence,
        FailedAt::Container,
        &["container"],
        "credentials from a container",
        |_| "the credentials endpoint provides credentials".to_owned(),
    )
}
