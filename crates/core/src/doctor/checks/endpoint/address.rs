//! E1: whether DNS resolves the API server's host name.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::remedy;

pub(crate) const CHECK: Check = Check {
    id: "E1",
    title: "endpoint address",
    after: &["K1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let entry = evidence.entry()?;
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
