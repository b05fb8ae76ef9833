//! Runs the rules on a document.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::context::Context;
use super::facts::Facts;
use super::finding::{Finding, Findings, Site};
use super::position::{Position, PositionCursor};
use super::precedence::drop_superseded;
use super::rule::Rule;
use super::rules::{CHECKS, RULES};
use super::selection::Selection;
use crate::deadline::Deadline;
use crate::document::{Document, SectionName, Span};

/// What the rules found in a document.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings, in the order of the text.
    pub findings: Vec<Finding>,
    /// The findings that a comment in the text waives.
    pub waived: Vec<Finding>,
    /// The selected rules that could not be checked.
    pub not_checked: Vec<NotChecked>,
}

/// A rule that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    pub rule: &'static Rule,
    /// What is unknown, and how to provide it.
    pub needs: Cow<'static, str>,
}

/// Checks the `data` of an aws-auth ConfigMap, and the document that was read from it.
///
/// Takes time proportional to the length of the text.
pub fn lint<T>(
    data: &BTreeMap<String, T>,
    document: &Document,
    facts: &Facts,
    selection: &Selection,
) -> Report {
    lint_until(data, document, facts, selection, &Deadline::default())
}

/// Returns the same as [`lint`]. If time is up, the report is incomplete and must be discarded.
pub(crate) fn lint_until<T>(
    data: &BTreeMap<String, T>,
    document: &Document,
    facts: &Facts,
    selection: &Selection,
    deadline: &Deadline,
) -> Report {
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    let context = Context::new(document, &keys, facts, &RULES);
    let mut report = Report::default();
    let mut findings = Vec::new();
    for (rule, check) in CHECKS {
        if deadline.is_over() {
            return report;
        }
        match rule.needs.lacks(facts) {
            Some(needs) if selection.admits(rule) => {
                report.not_checked.push(NotChecked { rule, needs });
            }
            Some(_) => {}
            // Rules that are not selected run too: they may supersede findings of selected ones.
            None => {
                let mut found = Findings::new(rule);
                check(&context, &mut found);
                findings.append(&mut found.into_vec());
            }
        }
    }
    drop_superseded(&mut findings);
    findings.retain(|finding| selection.admits(finding.rule));
    locate(&mut findings, document);
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    for finding in findings {
        if context.is_waived(&finding) {
            report.waived.push(finding);
        } else {
            report.findings.push(finding);
        }
    }
    report
}

/// Sets the lines and columns of all findings.
fn locate(findings: &mut [Finding], document: &Document) {
    for section in document.sections() {
        let is_here = |finding: &&mut Finding| matches!(&finding.site, Site::Text(text) if text.section == section.name());
        let mut offsets: Vec<usize> = findings
            .iter_mut()
            .filter(is_here)
            .filter_map(|finding| finding.site.text())
            .flat_map(|text| [text.span.start(), text.span.end()])
            .collect();
        offsets.sort_unstable();
        offsets.dedup();
        let mut cursor = PositionCursor::new(section.text().unwrap_or_default());
        let positions: Vec<Position> = offsets
            .iter()
            .map(|&offset| cursor.advance_to(offset))
            .collect();
        let position = |offset: usize| {
            let index = offsets.binary_search(&offset).unwrap_or_default();
            positions.get(index).copied().unwrap_or_default()
        };
        for finding in findings.iter_mut().filter(is_here) {
            if let Site::Text(text) = &mut finding.site {
                text.start = position(text.span.start());
                text.end = position(text.span.end());
            }
        }
    }
}

/// Returns the sort key: findings about the ConfigMap and about keys come first, then sections in order; then position and rule ID.
fn order(finding: &Finding) -> (Option<SectionName>, Option<Span>, &str) {
    match &finding.site {
        Site::Key(_) | Site::File(_) | Site::ConfigMap => (None, None, finding.rule.id),
        Site::Text(text) => (Some(text.section), Some(text.span), finding.rule.id),
    }
}
