//! B1: whether the API server allows the requested permissions.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::checks::nodes::node_roles::problem_of_subject;
use crate::doctor::denied_request::{DeniedRequest, denied_example};
use crate::doctor::likely_access_entry;
use crate::doctor::remedy;
use crate::doctor::unknown_placeholder::unknown_placeholder;

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
        return Outcome::ok(match denied_example(evidence) {
            Some(example) => format!("{saw}; {example}"),
            None => saw,
        });
    };
    let who = evidence.user().map_or_else(
        || "this identity".to_owned(),
        |user| {
            format!(
                "user {} in {}",
                remedy::username(&user.username),
                remedy::groups(&user.groups)
            )
        },
    );
    let missing = missing_role(evidence).map_or_else(String::new, |role| {
        format!(": a binding refers to {role}, which does not exist")
    });
    let likely = likely_access_entry::find(evidence);
    let username = likely.as_ref().map_or("", |_| {
        "; the username is the default of an access entry, which takes precedence over aws-auth"
    });
    let user = evidence.user();
    let template = user
        .as_ref()
        .and_then(|user| unknown_placeholder(&user.username));
    let literal = template.map_or_else(String::new, |template| {
        format!(
            "; {template} in the username is a template that the authenticator does not replace"
        )
    });
    let cause = format!(
        "{who} may not {}{missing}{username}{literal}",
        denied.question
    );
    let policy = evidence.policy.known();
    let bindings = ["clusterrolebindings", "rolebindings"];
    let next = match policy.filter(|policy| policy.lacks(&bindings).is_none()) {
        Some(_) => denied.grant(),
        None => denied.request_help(),
    };
    let next = match likely {
        Some(likely) => format!("{}; or {next}", likely.next),
        None if template.is_some() && policy.is_none() => format!(
            "ask an administrator of this cluster to correct the username of your entry in aws-auth: {}",
            remedy::diagnosis_by_admin(evidence, Some(denied.question))
        ),
        None => next,
    };
    match denied.of_node(problem_of_subject(evidence)) {
        Some(problem) => {
            let cause = format!("{}; {cause}", problem.cause);
            Outcome::problem(saw, cause, problem.next)
        }
        None => Outcome::problem(saw, cause, next),
    }
}

/// Returns the role that the API server did not find when it checked the bindings, such as `ClusterRole pod-reader`. Its
/// answers and error messages end with `RBAC: clusterrole.rbac.authorization.k8s.io "pod-reader" not found`.
fn missing_role(evidence: &Evidence) -> Option<String> {
    let reasons = evidence.answers.known().into_iter().flatten();
    let reasons = reasons.filter(|answer| !answer.allowed);
    let reasons = reasons.filter_map(|answer| answer.reason.as_deref());
    let mut texts = reasons.chain(evidence.command.known().map(|run| run.stderr.as_str()));
    texts.find_map(|text| {
        let (kind, rest) = text.split_once("role.rbac.authorization.k8s.io \"")?;
        let (name, rest) = rest.split_once('"')?;
        let kind = match kind.ends_with("cluster") {
            true => "ClusterRole",
            false => "Role",
        };
        rest.starts_with(" not found")
            .then(|| format!("{kind} {name}"))
    })
}
