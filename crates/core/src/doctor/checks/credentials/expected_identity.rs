//! C12: whether the identity is the one that the user expects.

use crate::arn::{Normalized, Parts, equal_fold, normalize};
use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};

pub(crate) const CHECK: Check = Check {
    id: "C12",
    title: "expected identity",
    after: &["C10"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let requested = evidence.request.identity.as_deref();
    let requested = requested.ok_or_else(|| Skipped::needs("--expect-role ARN or NAME"))?;
    let subject = evidence.subject().filter(|_| !evidence.is_expected());
    let subject = subject.ok_or_else(|| Skipped::needs("the caller's identity (C10)"))?;
    let is = &subject.canonical.arn;
    let saw = format!("{is}, expected {requested}");
    let expected = match normalize(requested) {
        Normalized::PathDropped { arn, .. } => arn,
        Normalized::Session { role } => role,
        Normalized::AsGiven => requested.to_owned(),
    };
    let name = Parts::of(is).map_or("", |parts| parts.name);
    if equal_fold(&expected, is) || equal_fold(&expected, name) {
        return Outcome::ok(saw);
    }
    let source = match evidence.credentials.known() {
        Some(Ok(keys)) => format!(", with credentials from {}", keys.source),
        _ => String::new(),
    };
    let next = match evidence.credentials.known() {
        Some(Ok(keys)) if keys.source_name == "env" => {
            "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN, or select the source: awsauth doctor --source instance"
        }
        Some(Ok(keys)) if keys.source_name == "instance" => {
            "this is the role of the machine: give the pod its own role (EKS Pod Identity or IRSA), or pass --role-arn"
        }
        _ => "select the right one: --profile NAME, --source SOURCE or --role-arn ARN",
    };
    Outcome::problem(
        saw,
        format!("it signs in as {is}{source}, not as {requested}"),
        next,
    )
}
