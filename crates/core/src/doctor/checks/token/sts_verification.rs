use crate::arn::canonical;
use crate::doctor::Evidence;
use crate::doctor::check::{Check, Judged, Outcome, Skipped};

pub(crate) const CHECK: Check = Check {
    id: "T5",
    title: "STS verification",
    after: &["T1", "T2", "T3", "T4", "C11"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let played = match evidence.verified.seen()? {
        Ok(played) => played,
        Err(problem) if problem.code.is_none() => {
            return Err(Skipped::needs(format!(
                "a connection to STS: {}",
                problem.problem.cause
            )));
        }
        Err(problem) => {
            return Outcome::from_problem("STS, asked as the authenticator does", &problem.problem);
        }
    };
    match canonical(&played.arn) {
        Ok(seen) if played.session_name.is_empty() => {
            Outcome::ok(format!("the cluster sees {}", seen.arn))
        }
        Ok(seen) => Outcome::ok(format!(
            "the cluster sees {}, session {}",
            seen.arn, played.session_name
        )),
        Err(error) => Outcome::problem(
            format!("STS reports {}", played.arn),
            format!("the authenticator does not accept this identity: {error}"),
            "sign in as a role or a user: --role-arn ARN, --profile NAME",
        ),
    }
}
