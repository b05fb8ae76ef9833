//! K7: whether the kubeconfig's cluster entry matches the cluster at EKS.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::DescribeFailure;

pub(crate) const CHECK: Check = Check {
    id: "K7",
    title: "cluster entry is current",
    after: &["K1", "K5"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    // The API server accepts the token, or a request to it for another identity.
    let is_in_use = evidence.is_signed_in()
        || (evidence.request.arn.is_some() && matches!(evidence.aws_auth.known(), Some(Ok(_))));
    let described = match evidence.described.seen()? {
        Ok(described) => described,
        // Credentials of another account find another cluster, or none.
        Err(DescribeFailure::NoSuchCluster(problem)) if is_in_use => {
            return Err(Skipped::needs(format!(
                "credentials of the cluster's account: {}",
                problem.cause
            )));
        }
        Err(DescribeFailure::NoSuchCluster(problem)) => {
            return Outcome::from_problem("eks:DescribeCluster", problem);
        }
        Err(DescribeFailure::NotReady(_)) => return Outcome::ok("EKS has the cluster"),
        Err(DescribeFailure::Denied(why) | DescribeFailure::Unknown(why)) => {
            return Err(Skipped::needs(format!("eks:DescribeCluster: {why}")));
        }
    };
    let saw = format!("EKS reports {} at {}", described.name, described.endpoint);
    if !described.is_at(&entry.server) {
        if is_in_use {
            return Outcome::ok(format!(
                "{saw}, and the kubeconfig's {} accepts the credentials",
                entry.server
            ));
        }
        return Outcome::problem(
            saw,
            format!(
                "the kubeconfig's endpoint {} is not the endpoint of cluster {:?}: the cluster was created again, or the entry is for another cluster",
                entry.server, described.name
            ),
            match (&entry.named, &entry.plugin_named) {
                (None, Some(_)) => format!(
                    "correct the cluster name in the plugin's arguments; or for cluster {}: {}",
                    described.name,
                    entry.rewrite()
                ),
                _ => entry.rewrite(),
            },
        );
    }
    if described.same_authority == Some(false) {
        return Outcome::problem(
            saw,
            "the kubeconfig's certificate authority is not the cluster's: the cluster was created again",
            entry.rewrite(),
        );
    }
    Outcome::ok(saw)
}
