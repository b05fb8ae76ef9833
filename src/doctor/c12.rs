use super::{Evidence, Judged, Outcome, Rung, Skipped};
use crate::arn::{Mended, Parts, equal_fold, mend};

pub(super) const RUNG: Rung = Rung {
    id: "C12",
    title: "expected identity",
    after: &["C10"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let wanted = evidence.wanted.identity.as_deref();
    let wanted = wanted.ok_or_else(|| Skipped::needs("--expect-role ARN or NAME"))?;
    let subject = evidence.subject();
    let subject = subject.ok_or_else(|| Skipped::needs("to know who it is (C10)"))?;
    let is = &subject.canonical.arn;
    let saw = format!("{is}, where {wanted} is expected");
    let meant = match mend(wanted) {
        Mended::PathDropped { arn, .. } => arn,
        Mended::Session { role } => role,
        Mended::AsGiven => wanted.to_owned(),
    };
    let name = Parts::of(is).map_or("", |parts| parts.name);
    if equal_fold(&meant, is) || equal_fold(&meant, name) {
        return Outcome::ok(saw);
    }
    let source = match evidence.keys.known() {
        Some(Ok(keys)) => format!(", with credentials of {}", keys.source),
        _ => String::new(),
    };
    let next = match evidence.keys.known() {
        Some(Ok(keys)) if keys.source_name == "env" => {
            "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN, or name the source: awsauth doctor --source instance"
        }
        Some(Ok(keys)) if keys.source_name == "instance" => {
            "this is the role of the machine: give the pod one of its own (EKS Pod Identity or IRSA), or name it with --role-arn"
        }
        _ => "name the right one: --profile NAME, --source SOURCE or --role-arn ARN",
    };
    Outcome::problem(
        saw,
        format!("it signs in as {is}{source}, and not as {wanted}"),
        next,
    )
}
