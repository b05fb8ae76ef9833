use super::{Evidence, Judged, Outcome, Rung, Skipped, remedy};
use crate::document::Document;
use crate::facts::auth_mode::AuthenticationMode;

pub(super) const RUNG: Rung = Rung {
    id: "M4",
    title: "aws-auth",
    after: &[],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    if let Some(Ok(described)) = evidence.described.known()
        && described.mode == Some(AuthenticationMode::Api)
    {
        return Err(Skipped::needs(
            "somebody who reads aws-auth: in mode API nothing does",
        ));
    }
    let aws_auth = match evidence.aws_auth.seen()? {
        Ok(aws_auth) => aws_auth,
        Err(trouble) => {
            return Err(Skipped::needs(format!(
                "somebody who may read it: {}; {}",
                trouble.cause, trouble.next
            )));
        }
    };
    let document = Document::read(&aws_auth.snapshot.data);
    let is_in = evidence.is_in();
    if !aws_auth.exists {
        let saw = format!("there is none ({})", aws_auth.place);
        return match is_in {
            true => Outcome::ok(saw),
            false => Outcome::problem(
                saw,
                "there is no aws-auth: nobody is mapped",
                remedy::map(evidence, None),
            ),
        };
    }
    let unreadable = document.sections().find(|section| section.is_unreadable());
    if let (Some(section), false) = (unreadable, is_in) {
        let problem = section.problems().first();
        let (line, why) =
            problem.map_or((1, ""), |problem| (problem.line, problem.message.as_str()));
        return Outcome::problem(
            aws_auth.place.clone(),
            format!(
                "the authenticator reads nothing of {}, so that nobody in it is mapped: line {line}: {why}",
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
