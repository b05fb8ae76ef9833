use super::c1::of_source;
use super::evidence::Place;
use super::{Evidence, Judged, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "C4",
    title: "container credentials",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    of_source(
        evidence,
        Place::Container,
        &["container"],
        "a container's credentials",
        |_| "the credentials endpoint gave some".to_owned(),
    )
}
