//! M2: whether the API server accepts the token.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::kubeconfig::cluster_entry_matches_eks::wrong_url;
use crate::doctor::evidence::SignedIn;
use crate::doctor::remedy;

pub(crate) const CHECK: Check = Check {
    id: "M2",
    title: "sign-in",
    after: &["E1", "E2", "E3"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let what = "who am I (SelfSubjectReview) with the token";
    match evidence.signed_in.seen()? {
        SignedIn::In { username, groups } => Outcome::ok(format!(
            "{what}: user {username} in groups {}",
            groups.join(", ")
        )),
        SignedIn::Unauthorized => Outcome::problem(
            format!("{what}: 401"),
            "the API server does not accept the token",
            remedy::after_selection(evidence, remedy::ask_an_admin(evidence)),
        ),
        SignedIn::Forbidden(_) if wrong_url(evidence).is_some() => {
            Err(Skipped::needs("K7 to be fixed first"))
        }
        SignedIn::Forbidden(_) if evidence.is_anonymous() => Outcome::problem(
            format!("{what}: 403"),
            "the request has no credentials that the API server accepts, so it is anonymous",
            format!(
                "use an exec plugin: {}",
                remedy::rewrite(evidence, evidence.entry()?)
            ),
        ),
        SignedIn::Forbidden(message) => Outcome::problem(
            format!("{what}: 403"),
            format!(
                "the API server accepts the token but does not let its user create a SelfSubjectReview: {message}"
            ),
            format!(
                "bind ClusterRole system:basic-user to system:authenticated again, as in every new cluster: {} get clusterrolebinding system:basic-user -o yaml",
                evidence.entry()?.kubectl
            ),
        ),
        SignedIn::Failed(problem) => Outcome::from_problem(what, problem),
    }
}
