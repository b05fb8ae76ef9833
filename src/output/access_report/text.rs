//! Reports as CSV, Markdown and JSON; differences as text and JSON.

use std::fmt::Write;

use serde::Serialize;

use super::{kind_name, place, scope, short_name, store_name};
use crate::output::markdown::cell;
use crate::output::style::{GAIN, HEADING, LOSS, NOTICE, paint};
use crate::output::table::{Cell, Table};
use awsauth_core::access_report::{AccessReport, Change, Difference, Level, PrincipalAccess};
use awsauth_core::escape::{json, one_line};

/// Formats a report as the JSON that docs/json.md documents and `report diff` reads.
pub(crate) fn access_report_json(report: &AccessReport) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(report)? + "\n";
    Ok(json(&text).into_owned())
}

/// The columns of the CSV.
const COLUMNS: [&str; 15] = [
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
];

/// Formats a report as CSV with one line for each right, and one for a principal without any.
pub(crate) fn access_report_csv(report: &AccessReport) -> Result<Vec<u8>, csv::Error> {
    let mut table = Table::new(COLUMNS, 0);
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
            let cells = cells.chain([dead.to_owned()]);
            table.row(
                cells
                    .map(|cell| Cell::new(&without_formula(cell)))
                    .collect(),
            );
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
    table.csv()
}

/// Returns a text that spreadsheet programs do not take for a formula:
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn without_formula(text: String) -> String {
    match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text,
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
    for gap in &head.not_read {
        let _ = writeln!(text, "\n**Not read:** {}", cell(gap));
    }
    text.push_str(
        "\n| level | principal | kind | account | source | username | groups | rights |\n",
    );
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for one in &report.principals {
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
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {}, {} | {} | {} | {} |",
            level(one),
            cell(&short_name(one)),
            kind_name(one.kind),
            cell(one.account.as_deref().unwrap_or_default()),
            store_name(&one.source),
            cell(&place(&one.source)),
            cell(one.username.as_deref().unwrap_or("not known")),
            groups.join("<br>"),
            rights.join("<br>"),
        );
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
        let _ = writeln!(
            text,
            "- **{}** {}: {}. {}",
            cell(&finding.severity),
            cell(&finding.rule),
            cell(&finding.message),
            cell(&finding.help)
        );
    }
    text
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
