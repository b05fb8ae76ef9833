//! M4: whether aws-auth exists and can be read.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::denied_request::as_administrator;
use crate::doctor::evidence::{AwsAuth, Problem};
use crate::doctor::lint_causes;
use crate::doctor::remedy;
use crate::document::Document;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::shell_quote::quoted;

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
            false => Outcome::from_problem(saw, &missing(evidence, aws_auth)),
        };
    }
    let unreadable = document.sections().find(|section| section.is_unreadable());
    if let (Some(section), false) = (unreadable, is_signed_in) {
        let data = &aws_auth.snapshot.data;
        let problem = lint_causes::of_section(evidence, data, &document, section);
        return Outcome::from_problem(aws_auth.place.clone(), &problem);
    }
    if let Ok(explained) = evidence.explanation()
        && !is_signed_in
        && explained.explanation.answers.is_empty()
        && let Some(problem) = lint_causes::of_ignored_key(evidence, &explained)
    {
        return Outcome::from_problem(aws_auth.place.clone(), &problem);
    }
    if !is_signed_in
        && document
            .sections()
            .all(|section| section.entries().is_empty())
    {
        return Outcome::problem(
            aws_auth.place.clone(),
            "aws-auth has no entries, so no identity and no node is mapped",
            restore_or_map(evidence),
        );
    }
    let counts: Vec<String> = document
        .sections()
        .map(|section| format!("{} in {}", section.entries().len(), section.name().key()))
        .collect();
    Outcome::ok(format!("{}: {}", aws_auth.place, counts.join(", ")))
}

/// Returns the problem that aws-auth does not exist, with a ConfigMap that was probably intended to be it.
fn missing(evidence: &Evidence, aws_auth: &AwsAuth) -> Problem {
    let cause = "aws-auth does not exist in namespace kube-system, so no identity is mapped";
    let Some(other) = aws_auth.misplaced.first() else {
        return Problem {
            cause: cause.to_owned(),
            next: restore_or_map(evidence),
        };
    };
    let flags = remedy::cluster_flags(evidence);
    let (name, namespace) = (quoted(&other.name), quoted(&other.namespace));
    Problem {
        cause: format!(
            "{cause}; ConfigMap {} in namespace {} has the entries, but the authenticator does not read it",
            other.name, other.namespace
        ),
        next: format!(
            "save it with the name aws-auth and the namespace kube-system, and restore it: {}; awsauth restore aws-auth.yaml{flags}",
            as_administrator(
                evidence,
                &[format!(
                    "get configmap {name} -n {namespace} -o yaml | sed 's/^  name: .*/  name: aws-auth/; s/^  namespace: .*/  namespace: kube-system/' > aws-auth.yaml"
                )]
            )
        ),
    }
}

/// Returns how to get back the entries of all identities: one new entry would not let the nodes join.
fn restore_or_map(evidence: &Evidence) -> String {
    format!(
        "restore it from the history (awsauth history; awsauth restore REVISION) or from a backup; without them, map the nodes (awsauth nodes --fix) and {}",
        remedy::map(evidence, None)
    )
}
