//! C2: whether the selected profile provides credentials.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::{Entry, FailedAt};

pub(crate) const CHECK: Check = Check {
    id: "C2",
    title: "profile",
    after: &["C1"],
    judge,
};

const SOURCES: [&str; 6] = [
    "role",
    "sso",
    "credentials-file",
    "login",
    "process",
    "config-file",
];

fn judge(evidence: &Evidence) -> CheckResult {
    let mut judged = of_source(
        evidence,
        FailedAt::Profile,
        &SOURCES,
        "credentials from a profile",
        |keys| format!("the profile provides credentials: {}", keys.source),
    );
    let selected = evidence.entry().ok().and_then(Entry::selects_profile);
    if let (Ok(outcome), Some((profile, place))) = (&mut judged, selected)
        && let Some(problem) = &mut outcome.problem
        && problem.cause.contains(profile)
    {
        problem.next = format!(
            "the kubeconfig selects profile {profile} ({place}): {}",
            problem.next
        );
    }
    judged
}
