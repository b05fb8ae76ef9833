use super::c1::of_source;
use super::evidence::Place;
use super::{Evidence, Judged, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "C3",
    title: "web identity",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    of_source(
        evidence,
        Place::WebIdentity,
        &["web-identity"],
        "a web identity token",
        |keys| format!("the token was taken, for {}", keys.roles.join(", ")),
    )
}
