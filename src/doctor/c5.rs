use super::c1::of_source;
use super::evidence::Place;
use super::{Evidence, Judged, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "C5",
    title: "instance metadata reachable",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    of_source(
        evidence,
        Place::Imds,
        &["instance"],
        "an instance's credentials",
        |_| "instance metadata answers".to_owned(),
    )
}
