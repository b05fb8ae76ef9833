//! C3: whether STS accepts the web identity token.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "C3",
    title: "web identity",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    of_source(
        evidence,
        FailedAt::WebIdentity,
        &["web-identity"],
        "a web identity token",
        |keys| format!("STS accepted the token, for {}", keys.roles.join(", ")),
    )
}
