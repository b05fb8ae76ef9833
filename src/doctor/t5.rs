use super::{Evidence, Judged, Outcome, Rung, Skipped};
use crate::arn::canonical;

pub(super) const RUNG: Rung = Rung {
    id: "T5",
    title: "play the server",
    after: &["T1", "T2", "T3", "T4", "C11"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let played = match evidence.played.seen()? {
        Ok(played) => played,
        Err(trouble) if trouble.code.is_none() => {
            return Err(Skipped::needs(format!(
                "a way to STS: {}",
                trouble.trouble.cause
            )));
        }
        Err(trouble) => {
            return Outcome::trouble("STS was asked as the authenticator asks", &trouble.trouble);
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
            format!("STS says {}", played.arn),
            format!("the authenticator takes this for nobody: {error}"),
            "sign in as a role or a user: --role-arn ARN, --profile NAME",
        ),
    }
}
