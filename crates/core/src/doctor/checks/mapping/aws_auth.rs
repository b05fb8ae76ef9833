//! M4: whether aws-auth exists and can be read.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::remedy;
use crate::document::Document;
use crate::facts::authentication_mode::AuthenticationMode;

pub(crate) const CHECK: Check = Check {
    id: "M4",
    title: "aws-auth",
    after: &[],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    if let Some(Ok(described)) = evidence.described.known()
        && described.mode == Some(AuthenticationMode::Api)
    {
        return Err(Skipped::needs(
            "a cluster that reads aws-auth: mode API does not",
        ));
    }
    let aws_auth = match evidence.aws_auth.seen()? {
        Ok(aws_auth) => aws_auth,
        Err(problem) => {
            return Err(Skipped::needs(format!(
                "permission to read it: {}; {}",
                problem.cause, problem.next
            )));
        }
    };
    let document = Document::read(&aws_auth.snapshot.data);
    let is_signed_in = evidence.is_signed_in();
    if !aws_auth.exists {
        let saw = format!("aws-auth does not exist ({})", aws_auth.place);
        return match is_signed_in {
            true => Outcome::ok(saw),
            false => Outcome::problem(
                saw,
                "aws-auth does not exist, so no identity is mapped",
                remedy::map(evidence, None),
            ),
        };
    }
    let unreadable = document.sections().find(|section| section.is_unreadable());
    if let (Some(section), false) = (unreadable, is_signed_in) {
        let problem = section.problems().first();
        let (line, why) =
            problem.map_or((1, ""), |problem| (problem.line, problem.message.as_str()));
        return Outcome::problem(
            aws_auth.place.clone(),
            format!(
                "the authenticator ignores all of {}, so no identity in it is mapped: line {line}: {why}",
                section.name().key()
            ),
            format!(
                "correct line {line}: {} edit configmap aws-auth -n kube-system",
                evidence.entry().map_or("kubectl", |entry| &entry.kubectl)
            ),
        );
    }
    let counts: Vec<String> = document
        .sections()
        .map(|section| format!("{} in {}", section.entries().len(), section.name().key()))
        .collect();
    Outcome::ok(format!("{}: {}", aws_auth.place, counts.join(", ")))
}
