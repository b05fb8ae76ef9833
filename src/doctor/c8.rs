use super::c1::of_source;
use super::evidence::Place;
use super::{Evidence, Judged, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "C8",
    title: "profile gives a role",
    after: &["C1", "C5", "C6", "C7"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    of_source(
        evidence,
        Place::NoRole,
        &["instance"],
        "an instance's credentials",
        |_| "the profile gives the credentials of a role".to_owned(),
    )
}
