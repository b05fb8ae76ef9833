//! Refuses changes that introduce a lint error.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Case, Guard, Verdict};
use crate::arn::{equal_fold, fold};
use crate::authenticator::node_entries;
use crate::lint::{Finding, Severity, Site};

/// The first letters of the rules about principals, which do not apply to what is written with `--as-written`.
const ABOUT_PRINCIPALS: [char; 2] = ['R', 'A'];

/// The first letter of the rules about node entries.
const ABOUT_NODES: char = 'N';

/// Refuses to introduce an error.
pub(super) fn check(case: &Case<'_>, verdict: &mut Verdict) {
    let allow = &case.request.allow;
    let is_error = |finding: &&Finding| finding.severity >= Severity::Error;
    let mut errors = case.findings.iter().filter(is_error).peekable();
    if errors.peek().is_none() {
        return;
    }
    let nodes: HashSet<_> = node_entries(&case.before.store)
        .map(|(arn, _)| fold(arn))
        .collect();
    for finding in errors {
        // Changes to a node entry are refused or allowed by the guard for node entries.
        let is_about_nodes =
            |arn: &Arc<str>| finding.rule.id.starts_with(ABOUT_NODES) && nodes.contains(&fold(arn));
        let is_allowed = allow.rules.contains(&finding.rule)
            || finding.principal.as_ref().is_some_and(is_about_nodes)
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
            "would introduce {} {} at {place}: {}",
            rule.id, rule.name, finding.message
        );
        let (guard, allow) = (Guard::LintRegression, format!("--allow {}", rule.id));
        match &finding.principal {
            Some(principal) => verdict.refuse_one(Arc::clone(principal), guard, message, allow),
            None => verdict.refuse(guard, message, allow),
        }
    }
}

/// Returns whether it is about a principal that the user writes with `--as-written`.
fn is_as_written(case: &Case<'_>, finding: &Finding) -> bool {
    let Some(principal) = &finding.principal else {
        return false;
    };
    let mut edits = case.request.edits.iter();
    case.request.as_written
        && finding.rule.id.starts_with(ABOUT_PRINCIPALS)
        && edits.any(|edit| equal_fold(edit.principal().text(), principal))
}
