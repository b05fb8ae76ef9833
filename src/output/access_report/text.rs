//! Reports as CSV, Markdown and JSON; differences as text and JSON.

use std::fmt::Write;

use serde::Serialize;

use super::ClusterAccess;
use super::{day, kind_name, last_use, place, scope, short_name, store_name};
use crate::output::markdown::cell;
use crate::output::style::{GAIN, HEADING, LOSS, NOTICE, paint};
use crate::output::table::{Cell, Table};
use awsauth_core::access_report::{
    AccessReport, Change, Difference, Finding, Level, PrincipalAccess,
};
use awsauth_core::escape::{json, one_line};

/// Formats a report as the JSON that docs/json.md documents and `report diff` reads.
pub(crate) fn access_report_json(report: &AccessReport) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    Ok(json(&text).into_owned())
}

/// The columns of the CSV.
const COLUMNS: [&str; 17] = [
    "principal",
    "account",
    "kind",
    "store",
    "place",
    "username",
    "groups",
    "level",
    "right",
    "by",
    "binding",
    "role",
    "scope",
    "some sessions only",
    "dead",
    "expires",
    "last used",
];

/// Formats a report as CSV with one line for each right, and one for a principal without any.
pub(crate) fn access_report_csv(report: &AccessReport) -> Result<Vec<u8>, csv::Error> {
    let mut table = Table::new(COLUMNS, 0);
    rows(report, |row| table.row(row));
    table.csv()
}

/// Formats the reports of several clusters as CSV, with a line for each cluster that could not be read.
pub(crate) fn fleet_report_csv(clusters: &[ClusterAccess]) -> Result<Vec<u8>, csv::Error> {
    let columns = ["cluster"].into_iter().chain(COLUMNS).chain(["not read"]);
    let mut table = Table::new(columns, 0);
    for one in clusters {
        let name = || Cell::new(&one.cluster);
        match &one.report {
            Ok(report) => rows(report, |mut row| {
                row.insert(0, name());
                row.push(Cell::new(""));
                table.row(row);
            }),
            Err(why) => {
                let mut row = vec![Cell::new(""); COLUMNS.len()];
                row.insert(0, name());
                row.push(Cell::new(why));
                table.row(row);
            }
        }
    }
    table.csv()
}

/// Calls `each` for the row of each right, and of each principal without any.
fn rows(report: &AccessReport, mut each: impl FnMut(Vec<Cell>)) {
    for principal in &report.principals {
        let common = [
            principal.principal.clone(),
            principal.account.clone().unwrap_or_default(),
            kind_name(principal.kind).to_owned(),
            store_name(&principal.source).to_owned(),
            place(&principal.source),
            principal.username.clone().unwrap_or_default(),
            principal.groups.join(" "),
            principal.level.name().to_owned(),
        ];
        let dead = if principal.is_dead { "dead" } else { "" };
        let mut add = |right: [String; 6]| {
            let cells = common.iter().cloned().chain(right);
            let expires = principal.expires.clone().unwrap_or_default();
            let cells = cells.chain([dead.to_owned(), expires, last_use(principal)]);
            each(cells.map(|cell| Cell::new(&cell)).collect());
        };
        for right in &principal.rights {
            add([
                right.level.name().to_owned(),
                right.by.clone(),
                right.binding.clone().unwrap_or_default(),
                right.role.clone(),
                scope(right),
                if right.for_some_sessions { "yes" } else { "" }.to_owned(),
            ]);
        }
        if principal.rights.is_empty() {
            add(Default::default());
        }
    }
}

/// Formats a report as Markdown.
pub(crate) fn access_report_markdown(
    report: &AccessReport,
    since: Option<&Difference<'_>>,
) -> String {
    let head = &report.head;
    let mut text = format!("# Access to {}\n\n", cell(&head.cluster));
    let _ = write!(text, "Read at {}", cell(&head.read_at));
    if let Some(user) = &head.read_by {
        let _ = write!(text, " by {}", cell(user));
    }
    if let Some(mode) = &head.authentication_mode {
        let _ = write!(text, ", authentication mode {}", cell(mode));
    }
    let _ = writeln!(text, ", with awsauth {}.", cell(&head.version));
    if let Some(since) = &head.signed_in_since {
        let _ = writeln!(text, "\nSign-ins since {} were read.", cell(&day(since)));
    }
    for gap in &head.not_read {
        let _ = writeln!(text, "\n**Not read:** {}", cell(gap));
    }
    let shows_use = head.signed_in_since.is_some();
    let _ = writeln!(text, "\n{}", markdown_headings("", shows_use));
    for one in &report.principals {
        let _ = writeln!(text, "{}", markdown_row(one, shows_use));
    }
    if let Some(difference) = since {
        text.push_str("\n## Changes\n\n");
        for line in lines(difference) {
            let _ = writeln!(text, "- {} {}", line.sign, cell(&line.text));
        }
        if difference.changes.is_empty() {
            text.push_str("None.\n");
        }
    }
    if !report.findings.is_empty() {
        text.push_str("\n## Findings\n\n");
    }
    for finding in &report.findings {
        let _ = writeln!(text, "- {}", markdown_finding(finding));
    }
    text
}

/// Formats the reports of several clusters as Markdown.
pub(crate) fn fleet_report_markdown(clusters: &[ClusterAccess]) -> String {
    let mut text = format!(
        "# Access to {} clusters\n\n| cluster | read at | by | mode | administrators | principals | errors found |\n|---|---|---|---|---|---|---|\n",
        clusters.len()
    );
    for one in clusters {
        let name = cell(&one.cluster);
        let _ = match &one.report {
            Ok(report) => writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} | {} |",
                cell(&report.head.read_at),
                cell(report.head.read_by.as_deref().unwrap_or("not known")),
                cell(
                    report
                        .head
                        .authentication_mode
                        .as_deref()
                        .unwrap_or("not known")
                ),
                report.at(Level::Admin).count(),
                report.principals.len(),
                errors(report),
            ),
            Err(why) => writeln!(text, "| {name} | **not read:** {} | | | | | |", cell(why)),
        };
    }
    let read = || {
        let read = clusters.iter();
        read.filter_map(|one| Some((cell(&one.cluster), one.report.as_ref().ok()?)))
    };
    for (name, report) in read() {
        for gap in &report.head.not_read {
            let _ = writeln!(text, "\n**Not read of {name}:** {}", cell(gap));
        }
    }
    let shows_use = read().any(|(_, report)| report.head.signed_in_since.is_some());
    let _ = writeln!(text, "\n{}", markdown_headings("| cluster ", shows_use));
    for (name, report) in read() {
        for principal in &report.principals {
            let _ = writeln!(text, "| {name} {}", markdown_row(principal, shows_use));
        }
    }
    if read().any(|(_, report)| !report.findings.is_empty()) {
        text.push_str("\n## Findings\n\n");
    }
    for (name, report) in read() {
        for finding in &report.findings {
            let _ = writeln!(text, "- {name}: {}", markdown_finding(finding));
        }
    }
    text
}

/// Returns the number of findings that are errors.
pub(super) fn errors(report: &AccessReport) -> usize {
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.severity == "error")
        .count()
}

fn markdown_finding(finding: &Finding) -> String {
    format!(
        "**{}** {}: {}. {}",
        cell(&finding.severity),
        cell(&finding.rule),
        cell(&finding.message),
        cell(&finding.help)
    )
}

/// Returns the headings of the table of principals, and the line below them. `first` is a column before the others.
fn markdown_headings(first: &str, shows_use: bool) -> String {
    let last = if shows_use { " last used |" } else { "" };
    let headings = format!(
        "{first}| level | principal | kind | account | source | username | groups | rights |{last}"
    );
    let rule = "|---".repeat(headings.matches('|').count() - 1);
    format!("{headings}\n{rule}|")
}

fn markdown_row(one: &PrincipalAccess, shows_use: bool) -> String {
    let rights = one.rights.iter().map(|right| {
        let role = cell(&right.role);
        let some = if right.for_some_sessions {
            " (some sessions)"
        } else {
            ""
        };
        format!("{role}: {}{some}", cell(&scope(right)))
    });
    let rights: Vec<_> = rights.collect();
    let groups: Vec<_> = one.groups.iter().map(|group| cell(group)).collect();
    let used = match shows_use {
        true => format!(" {} |", cell(&last_use(one))),
        false => String::new(),
    };
    format!(
        "| {} | {} | {} | {} | {}, {} | {} | {} | {} |{used}",
        level(one),
        cell(&expiring_name(one)),
        kind_name(one.kind),
        cell(one.account.as_deref().unwrap_or_default()),
        store_name(&one.source),
        cell(&place(&one.source)),
        cell(one.username.as_deref().unwrap_or("not known")),
        groups.join("<br>"),
        rights.join("<br>"),
    )
}

/// Returns the short name, and when the access ends.
fn expiring_name(one: &PrincipalAccess) -> String {
    let name = short_name(one);
    match &one.expires {
        Some(at) if one.is_expired => format!("{name} (expired {at}, still gives access)"),
        Some(at) => format!("{name} (expires {at})"),
        None => name.into_owned(),
    }
}

fn level(one: &PrincipalAccess) -> &'static str {
    if one.is_dead {
        "none (dead entry)"
    } else {
        one.level.name()
    }
}

/// A change in words.
struct ChangeLine {
    sign: &'static str,
    text: String,
}

fn lines<'a>(difference: &'a Difference<'a>) -> impl Iterator<Item = ChangeLine> + 'a {
    difference.changes.iter().map(|change| {
        let name = &change.principal().principal;
        let (sign, text) = match change {
            Change::Added(now) => ("+", format!("{name}: {}", access(now))),
            Change::Removed(then) => ("-", format!("{name}: was {}", access(then))),
            Change::Changed { before, after } if access(before) == access(after) => {
                ("~", format!("{name}: other rights, {}", access(after)))
            }
            Change::Changed { before, after } => (
                "~",
                format!("{name}: {}, was {}", access(after), access(before)),
            ),
        };
        ChangeLine { sign, text }
    })
}

/// Returns a principal's access in a few words.
pub(super) fn access(one: &PrincipalAccess) -> String {
    let username = one.username.as_deref().unwrap_or("an unknown user");
    match one.groups.as_slice() {
        [] => format!("{} as {username}", level(one)),
        groups => format!("{} as {username} in {}", level(one), groups.join(", ")),
    }
}

/// Formats the changes as styled text.
pub(crate) fn access_difference_text(difference: &Difference<'_>) -> String {
    let mut text = String::new();
    for line in lines(difference) {
        let style = match line.sign {
            "+" => GAIN,
            "-" => LOSS,
            _ => NOTICE,
        };
        let content = format!("{} {}", line.sign, one_line(&line.text));
        let _ = writeln!(text, "{}", paint(style, &content));
    }
    if difference.changes.is_empty() {
        let _ = writeln!(text, "{}", paint(HEADING, "The access is the same."));
    }
    text
}

#[derive(Serialize)]
struct ChangeData<'a> {
    principal: &'a str,
    change: &'static str,
    #[serde(rename = "levelBefore")]
    level_before: Option<Level>,
    #[serde(rename = "levelAfter")]
    level_after: Option<Level>,
    before: Option<&'a PrincipalAccess>,
    after: Option<&'a PrincipalAccess>,
}

/// Formats the changes as JSON.
pub(crate) fn access_difference_json(
    difference: &Difference<'_>,
) -> Result<String, serde_json::Error> {
    let changes = difference.changes.iter().map(|change| {
        let (word, before, after) = match *change {
            Change::Added(now) => ("added", None, Some(now)),
            Change::Removed(then) => ("removed", Some(then), None),
            Change::Changed { before, after } => ("changed", Some(before), Some(after)),
        };
        ChangeData {
            principal: &change.principal().principal,
            change: word,
            level_before: before.map(|one| one.level),
            level_after: after.map(|one| one.level),
            before,
            after,
        }
    });
    let changes: Vec<_> = changes.collect();
    let text = serde_json::to_string_pretty(&serde_json::json!({ "changes": changes }))? + "\n";
    Ok(json(&text).into_owned())
}
