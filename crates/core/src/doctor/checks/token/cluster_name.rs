//! T2: whether the token is signed for this cluster's name.

use jiff::SignedDuration;

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::evidence::{DescribeFailure, SignedIn, Signer};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "T2",
    title: "cluster name in the token",
    after: &["T1", "C10", "C11"],
    judge,
};

/// A more recent change to aws-auth may not be in effect yet.
pub(crate) const SETTLED: SignedDuration = SignedDuration::from_secs(60);

fn judge(evidence: &Evidence) -> CheckResult {
    let token = evidence.token.seen()?;
    let name = &token.cluster;
    let saw = format!("the authenticator checks it for cluster {name:?}");
    let look = comparison(evidence, name);
    let mismatch = matches!(evidence.verified.known(), Some(Err(problem))
        if problem.code.as_deref() == Some("SignatureDoesNotMatch"));
    let keys_are_good = matches!(evidence.caller.known(), Some(Ok(_)));
    if mismatch && (keys_are_good || token.signer != Signer::Awsauth) {
        return Outcome::problem(
            saw,
            format!("the token is signed for a cluster name other than {name:?}"),
            look,
        );
    }
    if nothing_else_is_wrong(evidence) && !is_confirmed(evidence, name) {
        return Outcome::problem(
            saw,
            format!(
                "STS accepts the token and aws-auth maps its identity, but the API server rejects it: the cluster's name is not {name:?}"
            ),
            look,
        );
    }
    Outcome::ok(saw)
}

/// Returns how to find out whether a name is that of the cluster.
pub(in crate::doctor) fn comparison(evidence: &Evidence, name: &str) -> String {
    let region = evidence.entry().ok().and_then(|entry| entry.region.clone());
    let region = region.map_or_else(String::new, |region| format!(" --region {region}"));
    let is_denied = matches!(
        evidence.described.known(),
        Some(Err(DescribeFailure::Denied(_)))
    );
    let who = match is_denied {
        true => "ask a user with eks:DescribeCluster to compare",
        false => "compare",
    };
    format!(
        "{who} its endpoint with the kubeconfig: aws eks describe-cluster --name {}{region} --query cluster.endpoint",
        quoted(name)
    )
}

/// Returns whether EKS reports that the server of the kubeconfig is the cluster of this name.
fn is_confirmed(evidence: &Evidence, name: &str) -> bool {
    let described = evidence.described.known();
    let described = described.and_then(|described| described.as_ref().ok());
    let entry = evidence.entry().ok();
    described
        .zip(entry)
        .is_some_and(|(described, entry)| described.name == name && described.is_at(&entry.server))
}

/// Returns the name that the token is signed for if it may be wrong: neither EKS nor the entries of the kubeconfig confirm it.
pub(in crate::doctor) fn doubtful(evidence: &Evidence) -> Option<&str> {
    let name = evidence.token.known()?.cluster.as_str();
    let entry = evidence.entry().ok()?;
    let is_named = entry.named.as_deref() == Some(name);
    (!is_named && !is_confirmed(evidence, name)).then_some(name)
}

/// Returns whether everything else about the token and its identity is right.
fn nothing_else_is_wrong(evidence: &Evidence) -> bool {
    let Ok(explained) = evidence.explanation() else {
        return false;
    };
    let changed = explained.aws_auth.changed;
    matches!(evidence.signed_in.known(), Some(SignedIn::Unauthorized))
        && matches!(evidence.verified.known(), Some(Ok(_)))
        && explained.explanation.access_entry.is_none()
        && explained.explanation.allowed()
        && changed.is_none_or(|changed| evidence.now.duration_since(changed) > SETTLED)
}
