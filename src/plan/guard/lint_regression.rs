use std::collections::HashSet;

use super::{Case, Guard, Said};
use crate::arn::{equal_fold, fold};
use crate::effect::{Store, node_entries};
use crate::lint::{Finding, Severity, Site};

/// The letters of the groups of rules about who is admitted: what is written as it was given may be wrong there.
const ABOUT_PRINCIPALS: [char; 2] = ['R', 'A'];

/// The letter of the group of rules about nodes.
const ABOUT_NODES: char = 'N';

/// Refuses to bring in an error.
pub(super) fn check(case: &Case<'_>, said: &mut Said) {
    let allow = &case.request.allow;
    let is_error = |finding: &&Finding| finding.severity >= Severity::Error;
    let mut errors = case.findings.iter().filter(is_error).peekable();
    if errors.peek().is_none() {
        return;
    }
    let before = Store::new(case.before);
    let nodes: HashSet<_> = node_entries(&before).map(|(arn, _)| fold(arn)).collect();
    for finding in errors {
        // What becomes of an entry of nodes is refused or allowed under the name of that guard.
        let is_of_nodes =
            |arn: &String| finding.rule.id.starts_with(ABOUT_NODES) && nodes.contains(&fold(arn));
        let is_allowed = allow.rules.contains(&finding.rule)
            || finding.principal.as_ref().is_some_and(is_of_nodes)
            || is_as_written(case, finding);
        if is_allowed {
            continue;
        }
        let rule = finding.rule;
        let place = match &finding.site {
            Site::Text(text) => format!("line {} of {}", text.start.line, text.section.key()),
            Site::Key(key) => format!("key {key}"),
            Site::File(_) | Site::ConfigMap => "aws-auth".to_owned(),
        };
        let message = format!(
            "would bring in {} {} at {place}: {}",
            rule.id, rule.name, finding.message
        );
        let (guard, allow) = (Guard::LintRegression, format!("--allow {}", rule.id));
        match &finding.principal {
            Some(principal) => said.refuse_one(principal, guard, message, allow),
            None => said.refuse(guard, message, allow),
        }
    }
}

/// Whether it is about what somebody asked to have written as given.
fn is_as_written(case: &Case<'_>, finding: &Finding) -> bool {
    let Some(principal) = &finding.principal else {
        return false;
    };
    let mut edits = case.request.edits.iter();
    case.request.as_written
        && finding.rule.id.starts_with(ABOUT_PRINCIPALS)
        && edits.any(|edit| equal_fold(edit.principal().text(), principal))
}
