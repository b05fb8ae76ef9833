//! GitHub Actions workflow commands, which annotate the lines of a pull request, and a table for the step's summary.

use std::fmt::Write;

use super::super::github::{SUMMARY_LIMIT, data, property};
use super::super::markdown::cell;
use super::display_range::DisplayRange;
use super::located_report::Linted;
use super::rule_docs;
use super::summary::summary;
use awsauth_core::escape::one_line;
use awsauth_core::lint::{Finding, Severity};

/// How many annotations of each kind GitHub shows for a step
/// (<https://docs.github.com/en/rest/checks/runs>, and <https://github.com/orgs/community/discussions/26680>).
const MAX_SHOWN: usize = 10;

/// Returns workflow commands for what could not be read and for the most severe findings, as many as GitHub shows, then a line that counts
/// the others.
pub(crate) fn lint_commands(all: &[Linted<'_>], unread: &[String]) -> String {
    let mut text = String::new();
    for message in unread {
        let _ = writeln!(text, "::error title=not read::{}", data(message));
    }
    let mut more = Vec::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let mut findings = of_severity(all, severity);
        for (linted, finding, range) in findings.by_ref().take(MAX_SHOWN) {
            push_command(linted, finding, range, &mut text);
        }
        match findings.count() {
            0 => {}
            1 => more.push(format!("1 more {}", severity.name())),
            many => more.push(format!("{many} more {}s", severity.name())),
        }
    }
    if !more.is_empty() {
        let _ = writeln!(
            text,
            "{}: GitHub shows {MAX_SHOWN} annotations of each kind for a step. The step's summary lists all findings.",
            more.join(", ")
        );
    }
    text
}

type Found<'a> = (&'a Linted<'a>, &'a Finding, Option<&'a DisplayRange<'a>>);

fn of_severity<'a>(all: &'a [Linted<'_>], severity: Severity) -> impl Iterator<Item = Found<'a>> {
    all.iter()
        .flat_map(|linted| {
            let each = linted.findings();
            each.map(move |(finding, range)| (linted, finding, range))
        })
        .filter(move |(_, finding, _)| finding.severity == severity)
}

/// Adds the workflow command for a finding.
fn push_command(
    linted: &Linted<'_>,
    finding: &Finding,
    range: Option<&DisplayRange<'_>>,
    text: &mut String,
) {
    let kind = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let rule = finding.rule;
    let mut properties = Vec::new();
    if let Some(path) = linted.path() {
        properties.push(format!("file={}", property(path)));
        if let Some(range) = range.filter(|_| linted.is_in_file()) {
            // A range that ends at the start of a line ends on the line before.
            let is_above = range.end.column == 1 && range.end.line > range.start.line;
            let end = range.end.line - usize::from(is_above);
            properties.push(format!("line={},endLine={end}", range.start.line));
            // GitHub accepts columns only within one line.
            if end == range.start.line {
                properties.push(format!("col={}", range.start.column));
            }
        }
    }
    properties.push(format!(
        "title={}",
        property(&format!("{} {}", rule.id, rule.name))
    ));
    let mut message = finding.message.to_string();
    if !linted.is_in_file() || linted.path().is_none() {
        let at = range.map_or(String::new(), |range| format!(":{}", range.start.line));
        message = format!("{}{at}: {message}", linted.place(finding));
    }
    message = format!("{}\nhelp: {}", one_line(&message), one_line(&finding.help));
    let _ = writeln!(
        text,
        "::{kind} {}::{}",
        properties.join(","),
        data(&message)
    );
}

/// Returns the numbers of findings and errors, for later steps.
pub(crate) fn lint_counts(all: &[Linted<'_>]) -> [(&'static str, usize); 2] {
    let findings = all.iter().flat_map(Linted::findings).count();
    let errors = of_severity(all, Severity::Error).count();
    [("findings", findings), ("errors", errors)]
}

/// Returns what could not be read and a Markdown table of the findings, the most severe first.
pub(crate) fn lint_table(all: &[Linted<'_>], unread: &[String]) -> String {
    let mut text = format!("### awsauth lint\n\n{}\n", summary(all));
    for message in unread {
        let _ = writeln!(text, "\nNot read: {}", cell(message));
    }
    let severities = [Severity::Error, Severity::Warning, Severity::Note];
    let mut findings = severities
        .into_iter()
        .flat_map(|severity| of_severity(all, severity));
    let mut is_first = true;
    for (linted, finding, range) in findings.by_ref() {
        if is_first {
            text += "\n| | Rule | Where | What | Help |\n|---|---|---|---|---|\n";
        }
        is_first = false;
        let at = range.map_or(String::new(), |range| format!(":{}", range.start.line));
        let rule = format!("{} {}", finding.rule.id, finding.rule.name);
        let rule = match rule_docs::url(finding.rule) {
            Some(address) => format!("[{rule}]({address})"),
            None => rule,
        };
        let _ = writeln!(
            text,
            "| {} | {rule} | {}{at} | {} | {} |",
            finding.severity.name(),
            cell(&linted.place(finding)),
            cell(&finding.message),
            cell(&finding.help),
        );
        if text.len() > SUMMARY_LIMIT {
            break;
        }
    }
    match findings.count() {
        0 => {}
        more => drop(writeln!(text, "\n{more} more findings do not fit here.")),
    }
    text
}
