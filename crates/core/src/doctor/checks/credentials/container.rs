use crate::doctor::Evidence;
use crate::doctor::check::{Check, Judged};
use crate::doctor::checks::credentials::provider_chain::of_source;
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "C4",
    title: "container credentials",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    of_source(
        evidence,
        FailedAt::Container,
        &["container"],
        "credentials from a container",
        |_| "the credentials endpoint provides credentials".to_owned(),
    )
}
