//! C3: whether STS accepts the web identity token.

use crate::arn::Parts;
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
    let mut judged = of_source(
        evidence,
        FailedAt::WebIdentity,
        &["web-identity"],
        "a web identity token",
        |keys| format!("STS accepted the token, for {}", keys.roles.join(", ")),
    );
    let entry = evidence.entry().ok();
    let of_cluster = entry.and_then(|entry| entry.account.as_deref());
    if let (Ok(outcome), Some(of_cluster)) = (&mut judged, of_cluster)
        && let Some(problem) = &mut outcome.problem
    {
        let mut words = problem.cause.split_whitespace();
        let role = words.find_map(Parts::of);
        let other = role.map(|role| role.account.to_owned());
        if let Some(other) = other.filter(|other| other != of_cluster) {
            problem.next = format!(
                "the role is of account {other}, and the cluster is in account {of_cluster}: if that is wrong, correct AWS_ROLE_ARN (role_arn in the profile); otherwise {}",
                problem.next
            );
        }
    }
    judged
}
