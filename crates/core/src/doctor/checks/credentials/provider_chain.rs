//! C1: whether any source provides credentials.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::{Collected, FailedAt, FoundCredentials, SearchFailed, Signer};
use crate::doctor::faulty_proxy;

pub(crate) const CHECK: Check = Check {
    id: "C1",
    title: "provider chain",
    after: &[],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    if let (Collected::TimedOut(limit), false) = (&evidence.credentials, has_its_own(evidence)) {
        let saw = format!("no credentials within {} s", limit.as_secs());
        if let Some(problem) = faulty_proxy::for_aws(evidence) {
            return Outcome::from_problem(saw, &problem);
        }
        if let Some(attempt) = evidence.sts_connection.known()
            && attempt.failed.is_some()
        {
            return Outcome::problem(
                saw,
                format!(
                    "no connection to STS: {} does not respond, and without STS no role can be assumed",
                    attempt.address
                ),
                "let this network reach STS: a VPC endpoint for STS, a NAT gateway, or HTTPS_PROXY",
            );
        }
        return Outcome::problem(
            saw,
            "it is unknown which AWS credentials apply: a source or STS does not respond",
            "check the route to AWS (a VPC endpoint for STS, a NAT gateway, or HTTPS_PROXY), or select the source: awsauth doctor --source env (or profile, instance, container, web-identity)",
        );
    }
    let passed = |tried: &[String]| match tried {
        [] => String::new(),
        tried => format!("; tried before: {}", together(tried)),
    };
    if let (Some(Err(none)), true) = (evidence.credentials.known(), has_its_own(evidence)) {
        return Outcome::ok(format!(
            "the token has its own credentials; on this machine: {}",
            none.problem.cause
        ));
    }
    match evidence.credentials.seen()? {
        Ok(keys) => Outcome::ok(format!(
            "{}, key …{}{}",
            keys.source,
            keys.key,
            passed(&keys.tried)
        )),
        Err(none) => match (none.place, &none.source) {
            (FailedAt::Chain, None) => Outcome::from_problem(
                format!("no source has credentials: {}", together(&none.tried)),
                &none.problem,
            ),
            (FailedAt::Chain, Some(source)) => Outcome::from_problem(source, &none.problem),
            (_, source) => Outcome::ok(format!(
                "{} should provide credentials{}",
                source.as_deref().unwrap_or("a source"),
                passed(&none.tried)
            )),
        },
    }
}

/// Groups sources with the same reason.
fn together(tried: &[String]) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for attempt in tried {
        let (source, why) = attempt.split_once(": ").unwrap_or((attempt, ""));
        match reasons.iter_mut().find(|(other, _)| *other == why) {
            Some((_, sources)) => sources.push(source),
            None => reasons.push((why, vec![source])),
        }
    }
    let lines = reasons
        .iter()
        .map(|(why, sources)| format!("{} ({why})", sources.join(", ")));
    lines.collect::<Vec<_>>().join("; ")
}

/// Returns whether the token under test was not signed with credentials of this machine.
fn has_its_own(evidence: &Evidence) -> bool {
    let token = evidence.token.known();
    token.is_some_and(|token| token.signer != Signer::Awsauth)
}

/// Returns the failed search if it belongs to `place`, or the credentials.
pub(crate) fn failed_at(
    evidence: &Evidence,
    place: FailedAt,
) -> Result<Result<&FoundCredentials, &SearchFailed>, Skipped> {
    match evidence.credentials.seen()? {
        Err(_) if has_its_own(evidence) => Err(Skipped::needs(
            "credentials on this machine: the token has its own credentials",
        )),
        Err(none) if none.place == place => Ok(Err(none)),
        Err(_) => Err(Skipped::needs("credentials (C1)")),
        Ok(keys) => Ok(Ok(keys)),
    }
}

/// Judges a check about one kind of source. `sources` are the names of these sources.
pub(crate) fn of_source(
    evidence: &Evidence,
    place: FailedAt,
    sources: &[&str],
    needs: &str,
    saw: fn(&FoundCredentials) -> String,
) -> CheckResult {
    match failed_at(evidence, place) {
        Ok(Err(none)) => {
            let source = none.source.clone().unwrap_or_default();
            Outcome::from_problem(source, &none.problem)
        }
        Ok(Ok(keys)) if sources.contains(&keys.source_name) => Outcome::ok(saw(keys)),
        Ok(Ok(_)) => Err(Skipped::needs(needs)),
        Err(skipped) => Err(skipped),
    }
}
