//! K7: whether the kubeconfig's cluster entry matches the cluster at EKS.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::{Collected, DescribeFailure, Entry, Problem};
use crate::endpoint_trust::is_eks_endpoint;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "K7",
    title: "cluster entry matches EKS",
    after: &["K1", "K5"],
    judge,
};

/// Returns what is wrong with the server's URL if its host is an EKS endpoint, which has HTTPS on port 443 and no path.
pub(crate) fn wrong_url(evidence: &Evidence) -> Option<Problem> {
    let entry = evidence.entry().ok()?;
    if evidence.is_signed_in() {
        return None;
    }
    let (scheme, rest) = entry.server.split_once("://")?;
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, path.trim_end_matches('/')),
        None => (rest, ""),
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, port),
        _ => (authority, "443"),
    };
    let is_reported = match evidence.described.known() {
        Some(Ok(described)) => {
            let (_, reported) = described.endpoint.split_once("://")?;
            reported.trim_end_matches('/').eq_ignore_ascii_case(host)
        }
        _ => false,
    };
    if !is_reported && !is_eks_endpoint(&host.to_ascii_lowercase()) {
        return None;
    }
    let is_open = match &evidence.connections {
        Collected::Seen(attempts) => attempts.iter().any(|one| one.failed.is_none()),
        _ => false,
    };
    let is_alive = matches!(evidence.livez.known(), Some(Ok(_)));
    let what = if scheme.eq_ignore_ascii_case("http") && !is_alive {
        "is written with http://, and EKS serves only https://".to_owned()
    } else if port != "443" && !is_open {
        format!("has port {port}, and EKS serves the API on port 443")
    } else if !path.is_empty() {
        format!("has the path /{path}, and the API of EKS is at the root of its endpoint")
    } else {
        return None;
    };
    Some(Problem {
        cause: format!("the kubeconfig's server {} {what}", entry.server),
        next: correct_url(entry, host),
    })
}

fn correct_url(entry: &Entry, host: &str) -> String {
    let server = quoted(&format!("--server=https://{host}"));
    entry.change_cluster(&server, &format!("write server: https://{host}"))
}

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    // The API server accepts the token, or a request to it for another identity.
    let is_in_use = evidence.is_signed_in()
        || (evidence.request.arn.is_some() && matches!(evidence.aws_auth.known(), Some(Ok(_))));
    if let Some(problem) = wrong_url(evidence) {
        return Outcome::from_problem(entry.server.clone(), &problem);
    }
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
    let is_at = described.is_at(&entry.server);
    if !is_at && entry.is_on_this_machine() && described.same_authority != Some(false) {
        return Err(Skipped::needs(format!(
            "the certificate at the other end of the tunnel: {} is an address of this machine",
            entry.server
        )));
    }
    if !is_at && !entry.is_on_this_machine() {
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
