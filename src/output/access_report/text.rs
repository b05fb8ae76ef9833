//! Reports as CSV, Markdown and JSON; differences as text and JSON.

use std::collections::HashMap;
use std::fmt::Write;

use serde::Serialize;

use super::{ChangesSince, Part};
use super::{
    day, errors, findings, kind_name, last_use, numbers, place, principals, scope, short_name,
    shows_use, store_name,
};
use crate::output::ClusterOutcome;
use crate::output::markdown::cell;
use crate::output::style::{GAIN, HEADING, LOSS, NOTICE, paint};
use crate::output::table::{Cell, Table};
use awsauth_core::access_report::{
    AccessReport, Change, Difference, Finding, FleetReport, Level, PrincipalAccess,
};
use awsauth_core::escape::{json, one_line};

/// Formats a report as the JSON that docs/json.md documents and `report diff` reads, with the changes since an earlier one if
/// there is one.
pub(crate) fn access_report_json(
    report: &AccessReport,
    since: Option<&Difference<'_>>,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Data<'a> {
        #[serde(flatten)]
        report: &'a AccessReport,
        #[serde(flatten)]
        since: Option<DifferenceData<'a>>,
    }
    let since = since.map(DifferenceData::of);
    pretty(&Data { report, since })
}

/// Formats the results of `fleet report` as JSON, likewise.
pub(crate) fn fleet_report_json(
    clusters: &[ClusterOutcome],
    since: Option<&Difference<'_>>,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Data<'a> {
        clusters: &'a [ClusterOutcome],
        #[serde(flatten)]
        since: Option<DifferenceData<'a>>,
    }
    let since = since.map(DifferenceData::of);
    pretty(&Data { clusters, since })
}

fn pretty(data: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(data)? + "\n";
    Ok(json(&text).into_owned())
}

/// The columns of the CSV.
const COLUMNS: [&str; 21] = [
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
    "not read",
    "expired",
    "change",
    "decision",
];

/// The index of the column `not read`.
const NOT_READ: usize = 17;

/// Formats a report as CSV with one line for each permission, one for a principal without any, and one for what was not read.
/// With an earlier report, adds one for each principal that no longer has access.
pub(crate) fn access_report_csv(
    report: &AccessReport,
    since: Option<&Difference<'_>>,
) -> Result<Vec<u8>, csv::Error> {
    csv(&Part::only(report), since)
}

/// Formats the reports of several clusters as CSV, likewise, with the cluster in the first column.
pub(crate) fn fleet_report_csv(
    fleet: &FleetReport,
    since: Option<&Difference<'_>>,
) -> Result<Vec<u8>, csv::Error> {
    csv(&Part::of(fleet), since)
}

fn csv(parts: &[Part<'_>], since: Option<&Difference<'_>>) -> Result<Vec<u8>, csv::Error> {
    let has_clusters = parts.iter().any(|part| part.cluster.is_some());
    let first = has_clusters.then_some("cluster");
    let mut table = Table::new(first.into_iter().chain(COLUMNS), 0);
    let mut add = |cluster: Option<&str>, cells: Vec<String>| {
        let cluster = has_clusters.then(|| cluster.unwrap_or_default());
        let cells = cells.iter().map(String::as_str);
        table.row(cluster.into_iter().chain(cells).map(Cell::new).collect());
    };
    let not_read = |gap: &str| {
        let mut row = vec![String::new(); COLUMNS.len()];
        gap.clone_into(&mut row[NOT_READ]);
        row
    };
    let changes = since.map_or(&[][..], |since| &since.changes);
    let words = changes.iter().map(|one| {
        let principal = one.change.principal().principal.as_str();
        ((one.cluster, principal), word(&one.change))
    });
    let words: HashMap<_, _> = words.collect();
    for part in parts {
        for gap in part.gaps() {
            add(part.cluster, not_read(gap));
        }
        for (cluster, one) in principals(&[*part]) {
            let change = words.get(&(cluster, one.principal.as_str()));
            rows(one, change.unwrap_or(&""), |row| add(cluster, row));
        }
    }
    for one in changes {
        if let Change::Removed(then) = one.change {
            let now = PrincipalAccess {
                level: Level::None,
                rights: Vec::new(),
                ..then.clone()
            };
            rows(&now, word(&one.change), |row| add(one.cluster, row));
        }
    }
    for one in since.map_or(&[][..], |since| &since.not_compared) {
        add(
            Some(one.cluster),
            not_read(&format!("not compared: {}", one.why)),
        );
    }
    table.csv()
}

/// Calls `each` for the row of each permission, or once for a principal without any.
fn rows(principal: &PrincipalAccess, change: &str, mut each: impl FnMut(Vec<String>)) {
    let yes = |is_so: bool| if is_so { "yes" } else { "" }.to_owned();
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
    let last = [
        if principal.is_dead { "dead" } else { "" }.to_owned(),
        principal.expires.clone().unwrap_or_default(),
        last_use(principal),
        String::new(),
        yes(principal.is_expired),
        change.to_owned(),
        String::new(),
    ];
    let mut add = |right: [String; 6]| {
        let cells = common.iter().cloned().chain(right);
        each(cells.chain(last.iter().cloned()).collect());
    };
    for right in &principal.rights {
        add([
            right.level.name().to_owned(),
            right.by.clone(),
            right.binding.clone().unwrap_or_default(),
            right.role.clone(),
            scope(right),
            yes(right.for_some_sessions),
        ]);
    }
    if principal.rights.is_empty() {
        add(Default::default());
    }
}

/// Formats a report as Markdown.
pub(crate) fn access_report_markdown(
    report: &AccessReport,
    since: Option<ChangesSince<'_>>,
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
    markdown_body(text, &Part::only(report), since)
}

/// Formats the reports of several clusters as Markdown.
pub(crate) fn fleet_report_markdown(
    fleet: &FleetReport,
    since: Option<ChangesSince<'_>>,
) -> String {
    let parts = Part::of(fleet);
    let mut text = format!(
        "# Access to {} clusters\n\n| cluster | read at | by | mode | administrators | principals | errors found |\n|---|---|---|---|---|---|---|\n",
        parts.len()
    );
    for part in &parts {
        let name = cell(part.cluster.unwrap_or_default());
        let known = |text: &Option<String>| cell(text.as_deref().unwrap_or("not known"));
        let _ = match part.report {
            Ok(report) => writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} | {} |",
                cell(&report.head.read_at),
                known(&report.head.read_by),
                known(&report.head.authentication_mode),
                report.at(Level::Admin).count(),
                report.principals.len(),
                errors(&report.findings),
            ),
            Err(why) => writeln!(text, "| {name} | **not read:** {} | | | | | |", cell(why)),
        };
    }
    markdown_body(text, &parts, since)
}

/// Appends what was not read, the numbers, the principals, the changes and the findings.
fn markdown_body(mut text: String, parts: &[Part<'_>], since: Option<ChangesSince<'_>>) -> String {
    let mut not_read = false;
    for part in parts {
        let of = part.cluster.map(|cluster| format!(" of {}", cell(cluster)));
        for gap in part.gaps() {
            let of = of.as_deref().unwrap_or_default();
            let _ = writeln!(text, "\n**Not read{of}:** {}", cell(gap));
            not_read = true;
        }
    }
    if !not_read {
        text.push_str("\nEverything that this report needs was read.\n");
    }
    let numbers = numbers(parts).into_iter().filter(|(_, number)| *number > 0);
    let numbers: Vec<_> = numbers
        .map(|(name, number)| format!("{name}: {number}"))
        .collect();
    if !numbers.is_empty() {
        let _ = writeln!(text, "\nNumbers: {}.", numbers.join(", "));
    }
    let has_clusters = parts.iter().any(|part| part.cluster.is_some());
    let shows_use = shows_use(parts);
    let _ = writeln!(text, "\n{}", markdown_headings(has_clusters, shows_use));
    for (cluster, principal) in principals(parts) {
        if let Some(cluster) = cluster {
            let _ = write!(text, "| {} ", cell(cluster));
        }
        let _ = writeln!(text, "{}", markdown_row(principal, shows_use));
    }
    if let Some((earlier, difference)) = since {
        let _ = writeln!(text, "\n## Changes since {}\n", cell(earlier));
        for line in lines(difference) {
            let _ = writeln!(text, "- {} {}", line.sign, cell(&line.text));
        }
        if difference.is_same() {
            text.push_str("None.\n");
        }
    }
    if findings(parts).next().is_some() {
        text.push_str("\n## Findings\n\n");
    }
    for (cluster, finding) in findings(parts) {
        let of = cluster.map(|cluster| format!("{}: ", cell(cluster)));
        let finding = markdown_finding(finding);
        let _ = writeln!(text, "- {}{finding}", of.unwrap_or_default());
    }
    text
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

/// Returns the headings of the table of principals, and the line below them.
fn markdown_headings(has_clusters: bool, shows_use: bool) -> String {
    let first = if has_clusters { "| cluster " } else { "" };
    let used = if shows_use { " last used |" } else { "" };
    let headings = format!(
        "{first}| level | principal | kind | account | source | username | groups | rights |{used} decision |"
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
        let by = match &right.binding {
            Some(binding) => format!("{} and {}", cell(&right.by), cell(binding)),
            None => cell(&right.by),
        };
        format!("{role}: {}{some}, by {by}", cell(&scope(right)))
    });
    let rights: Vec<_> = rights.collect();
    let groups: Vec<_> = one.groups.iter().map(|group| cell(group)).collect();
    let used = match shows_use {
        true => format!(" {} |", cell(&last_use(one))),
        false => String::new(),
    };
    format!(
        "| {} | {} | {} | {} | {}, {} | {} | {} | {} |{used} |",
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
    let changes = difference.changes.iter().map(|one| {
        let name = &one.change.principal().principal;
        let (sign, text) = match one.change {
            Change::Added(now) => ("+", format!("{name}: {}", access(now))),
            Change::Removed(then) => ("-", format!("{name}: was {}", access(then))),
            Change::Changed { before, after } if access(before) == access(after) => {
                ("~", format!("{name}: other permissions, {}", access(after)))
            }
            Change::Changed { before, after } => (
                "~",
                format!("{name}: {}, was {}", access(after), access(before)),
            ),
        };
        let of = one.cluster.map(|cluster| format!("{cluster}: "));
        let text = of.unwrap_or_default() + &text;
        ChangeLine { sign, text }
    });
    let not_compared = difference.not_compared.iter().map(|one| ChangeLine {
        sign: "?",
        text: format!("{}: not compared: {}", one.cluster, one.why),
    });
    changes.chain(not_compared)
}

/// Returns the kind of change in a word.
fn word(change: &Change<'_>) -> &'static str {
    match change {
        Change::Added(_) => "added",
        Change::Removed(_) => "removed",
        Change::Changed { .. } => "changed",
    }
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
    if difference.is_same() {
        let _ = writeln!(text, "{}", paint(HEADING, "The access is the same."));
    }
    text
}

#[derive(Serialize)]
struct DifferenceData<'a> {
    changes: Vec<ChangeData<'a>>,
    /// Only reports of several clusters have it.
    #[serde(rename = "notCompared", skip_serializing_if = "Vec::is_empty")]
    not_compared: Vec<NotComparedData<'a>>,
}

#[derive(Serialize)]
struct ChangeData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    principal: &'a str,
    change: &'static str,
    #[serde(rename = "levelBefore")]
    level_before: Option<Level>,
    #[serde(rename = "levelAfter")]
    level_after: Option<Level>,
    before: Option<&'a PrincipalAccess>,
    after: Option<&'a PrincipalAccess>,
}

#[derive(Serialize)]
struct NotComparedData<'a> {
    cluster: &'a str,
    reason: &'a str,
}

impl<'a> DifferenceData<'a> {
    fn of(difference: &'a Difference<'a>) -> Self {
        let changes = difference.changes.iter().map(|one| {
            let (before, after) = match one.change {
                Change::Added(now) => (None, Some(now)),
                Change::Removed(then) => (Some(then), None),
                Change::Changed { before, after } => (Some(before), Some(after)),
            };
            ChangeData {
                cluster: one.cluster,
                principal: &one.change.principal().principal,
                change: word(&one.change),
                level_before: before.map(|one| one.level),
                level_after: after.map(|one| one.level),
                before,
                after,
            }
        });
        let not_compared = difference.not_compared.iter().map(|one| NotComparedData {
            cluster: one.cluster,
            reason: &one.why,
        });
        Self {
            changes: changes.collect(),
            not_compared: not_compared.collect(),
        }
    }
}

/// Formats the changes as JSON.
pub(crate) fn access_difference_json(
    difference: &Difference<'_>,
) -> Result<String, serde_json::Error> {
    pretty(&DifferenceData::of(difference))
}
