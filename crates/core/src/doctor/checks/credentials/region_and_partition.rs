//! C13: whether the region and partition are those of the cluster.

use crate::arn::Parts;
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::checks::credentials::provider_chain::failed_at;
use crate::doctor::evidence::FailedAt;
use crate::facts::partitions::Partition;

pub(crate) const CHECK: Check = Check {
    id: "C13",
    title: "region and partition",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry().ok();
    let cluster = entry.and_then(|entry| entry.region.as_deref());
    if let Some(region) = cluster.filter(|region| !looks_like_a_region(region)) {
        return Outcome::problem(
            format!("region {region}, from the kubeconfig"),
            format!(
                "{region:?} in the kubeconfig is not the name of an AWS region, such as us-east-1"
            ),
            "correct --region in the arguments of the exec plugin, or AWS_REGION in its env",
        );
    }
    let keys = match failed_at(evidence, FailedAt::Region)? {
        Err(none) => return Outcome::from_problem("the region", &none.problem),
        Ok(keys) => keys,
    };
    let mut saw = format!("region {}, from {}", keys.region, keys.region_from);
    if let Some(region) = cluster.filter(|region| **region != keys.region) {
        saw += &format!("; the cluster is in {region}");
    }
    let subject = evidence.subject();
    let own =
        subject.and_then(|subject| Parts::of(subject.arn).map(|parts| parts.partition.to_owned()));
    let of_cluster = cluster.map(|region| Partition::of_region(region).id);
    match (own, of_cluster) {
        (Some(own), Some(of_cluster)) if own != of_cluster => Outcome::problem(
            saw,
            format!(
                "the identity is in partition {own} and the cluster in {of_cluster}: identities do not work across partitions"
            ),
            format!("use credentials from {of_cluster}: --profile NAME"),
        ),
        _ => Outcome::ok(saw),
    }
}

/// Whether a name has the form of a region's: letters, one or more words, and a number, such as `us-gov-west-1`.
fn looks_like_a_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let is_word =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [words @ .., number] => words.len() >= 2 && words.iter().all(is_word) && is_number(number),
        [] => false,
    }
}
