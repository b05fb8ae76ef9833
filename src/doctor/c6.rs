use super::c1::of_source;
use super::evidence::Place;
use super::{Evidence, Judged, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "C6",
    title: "hop limit",
    after: &["C1", "C5"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    of_source(
        evidence,
        Place::HopLimit,
        &["instance"],
        "an instance's credentials",
        |_| "its answers arrive here".to_owned(),
    )
}
