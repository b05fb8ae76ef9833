//! Workflow commands of GitHub Actions, which it shows at the lines of a pull request, and a table for the step's summary.

use std::fmt::Write;

use super::super::github::{ROOM, cell, data, property};
use super::{Linted, Shown, page};
use crate::lint::{Finding, Severity};

/// How many of each kind GitHub shows for one step
/// (<https://docs.github.com/en/rest/checks/runs>, and <https://github.com/orgs/community/discussions/26680>).
const SHOWN: usize = 10;

/// What could not be read and the findings as workflow commands, the worst first and as many as GitHub shows; then a line that counts
/// the others.
pub(crate) fn lint_commands(all: &[Linted<'_>], unread: &[String]) -> String {
    let mut text = String::new();
    for message in unread {
        let _ = writeln!(text, "::error title=not read::{}", data(message));
    }
    let mut left = Vec::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let mut findings = of(all, severity);
        for (linted, finding, shown) in findings.by_ref().take(SHOWN) {
            command(linted, finding, shown, &mut text);
        }
        match findings.count() {
            0 => {}
            1 => left.push(format!("1 more {}", severity.name())),
            many => left.push(format!("{many} more {}s", severity.name())),
        }
    }
    if !left.is_empty() {
        let _ = writeln!(
            text,
            "{}: GitHub shows {SHOWN} of a kind for each step. The step's summary has all.",
            left.join(", ")
        );
    }
    text
}

type Found<'a> = (&'a Linted<'a>, &'a Finding, Option<&'a Shown<'a>>);

fn of<'a>(all: &'a [Linted<'_>], severity: Severity) -> impl Iterator<Item = Found<'a>> {
    all.iter()
        .flat_map(|linted| {
            let each = linted.findings();
            each.map(move |(finding, shown)| (linted, finding, shown))
        })
        .filter(move |(_, finding, _)| finding.severity == severity)
}

/// The properties of a command that has a place in a file, and its message.
fn command(linted: &Linted<'_>, finding: &Finding, shown: Option<&Shown<'_>>, text: &mut String) {
    let kind = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let rule = finding.rule;
    let mut properties = Vec::new();
    if let Some(path) = linted.path() {
        properties.push(format!("file={}", property(path)));
        if let Some(shown) = shown.filter(|_| linted.manifest().is_some()) {
            // An end at the start of a line is the end of the line before.
            let is_above = shown.end.column == 1 && shown.end.line > shown.start.line;
            let end = shown.end.line - usize::from(is_above);
            properties.push(format!("line={},endLine={end}", shown.start.line));
            // GitHub takes columns within one line only.
            if end == shown.start.line {
                properties.push(format!("col={}", shown.start.column));
            }
        }
    }
    properties.push(format!(
        "title={}",
        property(&format!("{} {}", rule.id, rule.name))
    ));
    let mut message = finding.message.to_string();
    if linted.manifest().is_none() || linted.path().is_none() {
        let at = shown.map_or(String::new(), |shown| format!(":{}", shown.start.line));
        message = format!("{}{at}: {message}", linted.name(finding));
    }
    message = format!("{message}\nhelp: {}", finding.help);
    let _ = writeln!(
        text,
        "::{kind} {}::{}",
        properties.join(","),
        data(&message)
    );
}

/// How much was found, for the steps that come after.
pub(crate) fn lint_counts(all: &[Linted<'_>]) -> [(&'static str, usize); 2] {
    let findings = all.iter().flat_map(Linted::findings).count();
    let errors = of(all, Severity::Error).count();
    [("findings", findings), ("errors", errors)]
}

/// What could not be read, and the findings as a table in Markdown, the worst first.
pub(crate) fn lint_table(all: &[Linted<'_>], unread: &[String]) -> String {
    let mut text = format!("### awsauth lint\n\n{}\n", super::summary(all));
    for message in unread {
        let _ = writeln!(text, "\nNot read: {}", cell(message));
    }
    let severities = [Severity::Error, Severity::Warning, Severity::Note];
    let mut findings = severities
        .into_iter()
        .flat_map(|severity| of(all, severity));
    let mut is_first = true;
    for (linted, finding, shown) in findings.by_ref() {
        if is_first {
            text += "\n| | Rule | Where | What | Help |\n|---|---|---|---|---|\n";
        }
        is_first = false;
        let at = shown.map_or(String::new(), |shown| format!(":{}", shown.start.line));
        let rule = finding.rule;
        let _ = writeln!(
            text,
            "| {} | [{} {}]({}) | {}{at} | {} | {} |",
            finding.severity.name(),
            rule.id,
            rule.name,
            page::address(rule),
            cell(&linted.name(finding)),
            cell(&finding.message),
            cell(&finding.help),
        );
        if text.len() > ROOM {
            break;
        }
    }
    match findings.count() {
        0 => {}
        more => drop(writeln!(text, "\n{more} more have no room here.")),
    }
    text
}
