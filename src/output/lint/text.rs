//! Findings as text for users.

use std::fmt::Write;

use super::super::style::{FAINT, LOSS, NOTICE, PLACE, paint};
use super::display_range::DisplayRange;
use super::located_report::Linted;
use super::snippet::snippet;
use awsauth_core::escape::one_line;
use awsauth_core::lint::{Finding, Severity};

/// Returns all findings, each with its place, the text there, and the help.
pub(crate) fn lint_text(all: &[Linted<'_>]) -> String {
    let mut text = String::new();
    for linted in all {
        for (finding, range) in linted.findings() {
            if !text.is_empty() {
                text.push('\n');
            }
            push_finding(linted, finding, range, &mut text);
        }
    }
    text
}

/// Returns a finding's message and help on two lines, without place and colors.
pub(crate) fn finding_remark(finding: &Finding) -> String {
    let (severity, rule) = (finding.severity.name(), finding.rule);
    let (message, help) = (one_line(&finding.message), one_line(&finding.help));
    format!(
        "{severity}[{} {}]: {message}\nhelp: {help}",
        rule.id, rule.name
    )
}

fn push_finding(
    linted: &Linted<'_>,
    finding: &Finding,
    range: Option<&DisplayRange<'_>>,
    text: &mut String,
) {
    let mut place = one_line(&linted.place(finding)).into_owned();
    if let Some(DisplayRange { start, .. }) = range {
        let _ = write!(place, ":{}:{}", start.line, start.column);
    }
    let style = match finding.severity {
        Severity::Error => LOSS,
        Severity::Warning => NOTICE,
        Severity::Note => FAINT,
    };
    let (severity, rule) = (finding.severity.name(), finding.rule);
    let rule = format!("{severity}[{} {}]", rule.id, rule.name);
    let (place, rule) = (paint(PLACE, &place), paint(style, &rule));
    let _ = writeln!(text, "{place}: {rule}: {}", one_line(&finding.message));
    if let Some(range) = range {
        text.push_str(&snippet(finding.severity, range));
    }
    if let Some((line, at)) = finding.other_line.zip(finding.site.text()) {
        let (place, line) = linted.line(at.section, line);
        let _ = writeln!(text, "see: {}:{line}", one_line(&place));
    }
    let _ = writeln!(text, "help: {}", one_line(&finding.help));
}
