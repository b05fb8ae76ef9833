//! C10: whether STS accepts the credentials, and whose they are.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::credentials::provider_chain::failed_at;
use crate::doctor::evidence::{
    Collected, DescribeFailure, FailedAt, FoundCredentials, Problem, StsProblem,
};
use crate::doctor::faulty_proxy;

pub(crate) const CHECK: Check = Check {
    id: "C10",
    title: "caller identity",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let is_off = crate::doctor::checks::credentials::clock_skew::is_off(evidence.clock_ahead());
    if let (Ok(Err(none)), false) = (failed_at(evidence, FailedAt::Caller), is_off) {
        if let Some(problem) = faulty_proxy::for_aws(evidence) {
            return Outcome::from_problem(none.source.clone().unwrap_or_default(), &problem);
        }
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
    if let (true, Some(mut problem)) = (is_unreachable, faulty_proxy::for_aws(evidence)) {
        add_expired(evidence, &mut problem);
        return Outcome::from_problem("sts:GetCallerIdentity", &problem);
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
            let of_keys = match evidence.credentials.known() {
                Some(Ok(keys)) => problem_of_keys(keys, problem),
                _ => None,
            };
            let is_unreachable = problem.code.is_none();
            let mut problem = of_keys.unwrap_or_else(|| problem.problem.clone());
            if is_unreachable {
                add_expired(evidence, &mut problem);
            }
            Outcome::from_problem("sts:GetCallerIdentity", &problem)
        }
    }
}

/// Adds that EKS does not accept the credentials, because they have expired.
fn add_expired(evidence: &Evidence, problem: &mut Problem) {
    if let Some(why) = expired(evidence) {
        problem.cause += &format!("; and EKS does not accept the credentials: {why}");
        problem.next += "; then get new credentials where these are from";
    }
}

/// Returns EKS's message that the credentials have expired.
fn expired(evidence: &Evidence) -> Option<&str> {
    match evidence.described.known()? {
        Err(DescribeFailure::Denied(why) | DescribeFailure::Unknown(why)) => {
            Some(why.as_str()).filter(|why| why.contains("ExpiredToken"))
        }
        _ => None,
    }
}

/// Returns what the keys themselves show to be wrong, which AWS reports less precisely.
fn problem_of_keys(keys: &FoundCredentials, rejected: &StsProblem) -> Option<Problem> {
    let code = rejected.code.as_deref()?;
    if code == "ExpiredToken" && keys.source_name != "env" {
        return Some(Problem {
            cause: rejected.problem.cause.clone(),
            next: format!("get new credentials where these are from: {}", keys.source),
        });
    }
    let Some(found) = keys.key_problem.clone() else {
        return (keys.is_temporary && code == "InvalidClientTokenId").then(|| Problem {
            cause: rejected.problem.cause.clone(),
            next: "set the access key ID, the secret access key and the session token again, all three from one response of AWS: the session token may be that of other keys, or the keys are of another partition or of a region that is not enabled".to_owned(),
        });
    };
    let Some(owner) = &rejected.key_owner else {
        return Some(found);
    };
    let other = match keys.source_name {
        "env" => "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY, too",
        _ => "select another profile",
    };
    Some(Problem {
        cause: format!("{}; without it, you are {owner}", found.cause),
        next: format!(
            "{}; if you expect another identity than {owner}, {other}",
            found.next
        ),
    })
}
