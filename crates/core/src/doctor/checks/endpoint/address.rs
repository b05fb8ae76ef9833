//! E1: whether DNS resolves the API server's host name.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::{faulty_proxy, remedy};

pub(crate) const CHECK: Check = Check {
    id: "E1",
    title: "endpoint address",
    after: &["K1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
    let is_unresolved = evidence.addresses.timed_out().is_some()
        || matches!(evidence.addresses.known(), Some(Err(_)));
    if let (true, Some(problem)) = (is_unresolved, faulty_proxy::for_the_api_server(evidence)) {
        return Outcome::from_problem("the proxy for the API server", &problem);
    }
    if let Some(limit) = evidence.addresses.timed_out() {
        return Outcome::problem(
            format!("DNS lookup of {}", entry.server),
            format!(
                "this machine's DNS does not respond within {} s",
                limit.as_secs()
            ),
            "check the resolver: cat /etc/resolv.conf",
        );
    }
    match evidence.addresses.seen()? {
        Ok(addresses) => Outcome::ok(addresses.join(", ")),
        Err(problem) => {
            let mut problem = problem.clone();
            if remedy::is_endpoint_current(evidence) {
                problem.next = format!(
                    "EKS has just reported this endpoint, so only this network's DNS does not resolve it: use the resolver of its VPC or of the VPN, above all if the endpoint is private: {}",
                    remedy::describe_network(entry)
                );
            } else if entry.eks_name().is_some() && !problem.next.contains("awsauth kubeconfig") {
                problem.next += &format!(
                    "; to write the entry again: {}",
                    remedy::rewrite(evidence, entry)
                );
            }
            Outcome::from_problem(format!("DNS lookup of {}", entry.server), &problem)
        }
    }
}
