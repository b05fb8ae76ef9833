//! B1: whether the API server allows the requested permissions.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::denied_request::DeniedRequest;
use crate::doctor::remedy;

pub(crate) const CHECK: Check = Check {
    id: "B1",
    title: "permissions",
    after: &["M2"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let answers = evidence.answers.seen()?;
    let shown: Vec<String> = answers
        .iter()
        .map(|one| {
            let reason = one.reason.as_ref();
            let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            format!(
                "{}: {}{reason}",
                one.question,
                if one.allowed { "yes" } else { "no" }
            )
        })
        .collect();
    let saw = shown.join("; ");
    let Some(denied) = DeniedRequest::of(evidence) else {
        return Outcome::ok(saw);
    };
    let who = remedy::user(evidence).map_or_else(
        || "this identity".to_owned(),
        |user| format!("user {} in {}", user.username, remedy::groups(&user.groups)),
    );
    let cause = format!("{who} may not {}", denied.question);
    let policy = evidence.policy.known();
    let bindings = ["clusterrolebindings", "rolebindings"];
    let next = match policy.filter(|policy| policy.lacks(&bindings).is_none()) {
        Some(_) => denied.grant(),
        None => denied.request_help(),
    };
    Outcome::problem(saw, cause, next)
}
