use super::evidence::SignedIn;
use super::{Evidence, Judged, Outcome, Rung, remedy};

pub(super) const RUNG: Rung = Rung {
    id: "M2",
    title: "first authenticated call",
    after: &["E1", "E2", "E3"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let what = "who am I (SelfSubjectReview) with the token";
    match evidence.signed_in.seen()? {
        SignedIn::In { username, groups } => Outcome::ok(format!(
            "{what}: user {username} in groups {}",
            groups.join(", ")
        )),
        SignedIn::Unauthorized => Outcome::problem(
            format!("{what}: 401"),
            "the API server does not accept the token",
            remedy::ask_an_admin(evidence),
        ),
        SignedIn::Forbidden(said) => Outcome::problem(
            format!("{what}: 403"),
            format!(
                "the API server takes the token for somebody who may not even ask who they are: {said}"
            ),
            format!(
                "give system:authenticated the ClusterRole system:basic-user, which every cluster starts with: {} get clusterrolebinding system:basic-user -o yaml",
                evidence.entry()?.kubectl
            ),
        ),
        SignedIn::Failed(trouble) => Outcome::trouble(what, trouble),
    }
}
