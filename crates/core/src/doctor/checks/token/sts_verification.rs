//! T5: whether STS accepts the token.

use crate::arn::canonical;
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::evidence::FailedAt;

pub(crate) const CHECK: Check = Check {
    id: "T5",
    title: "STS verification",
    after: &["T1", "T2", "T3", "T4", "C11"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let verified = match evidence.verified.seen()? {
        Ok(verified) => verified,
        Err(problem) if problem.code.is_none() => {
            return Err(Skipped::needs(format!(
                "a connection to STS: {}",
                problem.problem.cause
            )));
        }
        Err(problem) => {
            if let Some(Err(none)) = evidence.credentials.known()
                && none.place == FailedAt::Expired
                && let Some(source) = &none.source
            {
                return Outcome::problem(
                    "STS, called as the authenticator does",
                    format!(
                        "{} ({source}): {}",
                        none.problem.cause, problem.problem.cause
                    ),
                    format!("get new credentials where these are from: {source}"),
                );
            }
            return Outcome::from_problem(
                "STS, called as the authenticator does",
                &problem.problem,
            );
        }
    };
    match canonical(&verified.arn) {
        Ok(seen) if verified.session_name.is_empty() => {
            Outcome::ok(format!("the cluster sees {}", seen.arn))
        }
        Ok(seen) => Outcome::ok(format!(
            "the cluster sees {}, session {}",
            seen.arn, verified.session_name
        )),
        Err(error) => Outcome::problem(
            format!("STS reports {}", verified.arn),
            format!("the authenticator does not accept this identity: {error}"),
            "sign in as a role or a user: --role-arn ARN, --profile NAME",
        ),
    }
}
