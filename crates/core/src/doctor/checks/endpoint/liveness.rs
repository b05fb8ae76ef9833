//! E3: whether the API server answers over TLS.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::evidence::{LivenessFailure, Problem};
use crate::doctor::remedy;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "E3",
    title: "TLS and liveness",
    after: &["K1", "E1", "E2"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    if let Some(limit) = evidence.livez.timed_out() {
        return Outcome::problem(
            "anonymous GET /livez",
            format!(
                "{} accepts the connection but does not respond within {} s",
                entry.server,
                limit.as_secs()
            ),
            format!(
                "see what answers: curl -vk -m 5 {}",
                quoted(&format!("{}/livez", entry.server))
            ),
        );
    }
    match evidence.livez.seen()? {
        Ok(status) => Outcome::ok(format!("anonymous GET /livez: {status}")),
        Err(failure) => {
            let mut problem =
                intercepted(evidence, failure).unwrap_or_else(|| failure.problem.clone());
            if entry.eks_name().is_some() {
                let rewrite = "awsauth kubeconfig --cluster-name CLUSTER";
                problem.next = problem
                    .next
                    .replace(rewrite, &remedy::rewrite(evidence, entry));
            }
            Outcome::from_problem("anonymous GET /livez", &problem)
        }
    }
}

/// Returns that another server answers, if the kubeconfig certainly has the cluster's certificate authority.
fn intercepted(evidence: &Evidence, failure: &LivenessFailure) -> Option<Problem> {
    let described = evidence.described.known()?.as_ref().ok()?;
    if !failure.is_untrusted || described.same_authority != Some(true) {
        return None;
    }
    let server = &evidence.entry().ok()?.server;
    let host = server.split_once("://").map_or(&**server, |(_, host)| host);
    let host = host.split('/').next().unwrap_or(host);
    let address = match host.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => host.to_owned(),
        _ => format!("{host}:443"),
    };
    let address = quoted(&address);
    Some(Problem {
        cause: format!(
            "another server answers for {host}, probably a proxy that intercepts TLS: the kubeconfig has the cluster's certificate authority, which did not sign this certificate"
        ),
        next: format!(
            "see who issued the certificate, and ask the owner of that proxy to exempt {host}: openssl s_client -connect {address} </dev/null | openssl x509 -noout -issuer"
        ),
    })
}
