use super::c1::failed_at;
use super::evidence::Place;
use super::{Evidence, Judged, Outcome, Rung};
use crate::arn::Parts;
use crate::facts::partitions::Partition;

pub(super) const RUNG: Rung = Rung {
    id: "C13",
    title: "region and partition",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let keys = match failed_at(evidence, Place::Region)? {
        Err(none) => return Outcome::trouble("the region", &none.trouble),
        Ok(keys) => keys,
    };
    let mut saw = format!("region {}, of {}", keys.region, keys.region_from);
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
                "the identity is of partition {own}, and the cluster of {of_cluster}: no identity crosses over"
            ),
            format!("use credentials of {of_cluster}: --profile NAME"),
        ),
        _ => Outcome::ok(saw),
    }
}
