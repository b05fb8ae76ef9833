//! C10: whether STS accepts the credentials, and whose they are.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::credentials::provider_chain::failed_at;
use crate::doctor::evidence::{Collected, FailedAt};

pub(crate) const CHECK: Check = Check {
    id: "C10",
    title: "caller identity",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let is_off = crate::doctor::checks::credentials::clock_skew::is_off(evidence.clock_ahead());
    if let (Ok(Err(none)), false) = (failed_at(evidence, FailedAt::Caller), is_off) {
        return Outcome::from_problem(none.source.clone().unwrap_or_default(), &none.problem);
    }
    let is_unreachable = match &evidence.caller {
        Collected::TimedOut(_) => true,
        Collected::Seen(Err(problem)) => problem.code.is_none(),
        _ => false,
    };
    if is_unreachable && evidence.is_signed_in() {
        return Err(Skipped::needs(
            "a connection to STS, which the sign-in does not need",
        ));
    }
    if let (Collected::TimedOut(limit), None) = (&evidence.caller, evidence.verified.known()) {
        return Outcome::problem(
            format!("STS did not respond within {} s", limit.as_secs()),
            "STS cannot be reached from this network, so the owner of the credentials is unknown",
            "check the route to AWS: a VPC endpoint for STS, a NAT gateway, or HTTPS_PROXY",
        );
    }
    match evidence.caller.seen()? {
        Ok(caller) => Outcome::ok(format!("{}, account {}", caller.arn, caller.account)),
        // The clock check reports it.
        Err(_) if is_off => Outcome::ok("STS accepts no signature from this machine: see C11"),
        Err(problem) => {
            let of_key = match evidence.credentials.known() {
                Some(Ok(keys)) if problem.code.is_some() => keys.key_problem.as_ref(),
                _ => None,
            };
            let problem = of_key.unwrap_or(&problem.problem);
            Outcome::from_problem("sts:GetCallerIdentity", problem)
        }
    }
}
