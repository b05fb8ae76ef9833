use super::c1::of_source;
use super::evidence::Place;
use super::{Evidence, Judged, Rung};

pub(super) const RUNG: Rung = Rung {
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

fn judge(evidence: &Evidence) -> Judged {
    of_source(
        evidence,
        Place::Profile,
        &SOURCES,
        "credentials of a profile",
        |keys| format!("the profile gives credentials: {}", keys.source),
    )
}
