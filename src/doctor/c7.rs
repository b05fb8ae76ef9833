use super::c1::of_source;
use super::evidence::Place;
use super::{Evidence, Judged, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "C7",
    title: "instance profile attached",
    after: &["C1", "C5", "C6"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    of_source(
        evidence,
        Place::NoProfile,
        &["instance"],
        "an instance's credentials",
        |_| "the instance has a profile".to_owned(),
    )
}
