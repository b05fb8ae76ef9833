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
    let keys = match failed_at(evidence, FailedAt::Region)? {
        Err(none) => return Outcome::from_problem("the region", &none.problem),
        Ok(keys) => keys,
    };
    let mut saw = format!("region {}, from {}", keys.region, keys.region_from);
    let entry = evidence.entry().ok();
    let cluster = entry.and_then(|entry| entry.region.as_deref());
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
