use jiff::SignedDuration;

use super::evidence::{SignedIn, Signer};
use super::{Evidence, Judged, Outcome, Rung};
use crate::shell::quoted;

pub(super) const RUNG: Rung = Rung {
    id: "T2",
    title: "cluster name in the token",
    after: &["T1"],
    judge,
};

/// A change of aws-auth that is younger may not have come into force yet.
pub(super) const SETTLED: SignedDuration = SignedDuration::from_secs(60);

fn judge(evidence: &Evidence) -> Judged {
    let token = evidence.token.seen()?;
    let name = &token.cluster;
    let saw = format!("it is taken for cluster {name:?}");
    let region = evidence.entry().ok().and_then(|entry| entry.region.clone());
    let region = region.map_or_else(String::new, |region| format!(" --region {region}"));
    let look = format!(
        "see whether its endpoint is that of the kubeconfig: aws eks describe-cluster --name {}{region} --query cluster.endpoint",
        quoted(name)
    );
    let mismatch = matches!(evidence.played.known(), Some(Err(trouble))
        if trouble.code.as_deref() == Some("SignatureDoesNotMatch"));
    let keys_are_good = matches!(evidence.caller.known(), Some(Ok(_)));
    if mismatch && (keys_are_good || token.signer != Signer::Awsauth) {
        return Outcome::problem(
            saw,
            format!("the token is signed for another cluster name than {name:?}"),
            look,
        );
    }
    if is_told_by_the_rest(evidence) {
        return Outcome::problem(
            saw,
            format!(
                "AWS knows the holder and aws-auth maps them, and still the API server does not accept the token: {name:?} is not what its cluster is called"
            ),
            look,
        );
    }
    Outcome::ok(saw)
}

/// Whether everything else about the token and its holder is right.
fn is_told_by_the_rest(evidence: &Evidence) -> bool {
    let Ok(explained) = evidence.explanation() else {
        return false;
    };
    let changed = explained.aws_auth.changed;
    matches!(evidence.signed_in.known(), Some(SignedIn::Unauthorized))
        && matches!(evidence.played.known(), Some(Ok(_)))
        && explained.explanation.admitted.is_none()
        && explained.explanation.allowed()
        && changed.is_none_or(|changed| evidence.now.duration_since(changed) > SETTLED)
}
