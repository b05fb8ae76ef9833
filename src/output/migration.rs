//! The plan of `migrate`: a table, details and operations; JSON; and its access entries in the forms of other tools.

mod cloudformation;
mod eksctl;
mod entry_form;
mod json;
mod printed_entry;
mod shell_script;
mod table_row;
mod terraform;

pub(crate) use entry_form::{EntryForm, printed_entries};
pub(crate) use json::migration_json;

use std::fmt::Write;

use anstyle::Style;

use super::mapping_list::FileLine;
use super::operations::{UNKNOWN_CLUSTER, numbered};
use super::style::{FAINT, GAIN, HEADING, LOSS, NOTICE, PLACE, paint};
use super::table::Table;
use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::{
    Item, MigrationPlan, Reason, Summary, Unchecked, Verdict, is_unused_account,
};
use awsauth_core::authenticator::Place;
use awsauth_core::escape::one_line;
use awsauth_core::unused_access::AccountUse;

/// What the text describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MigrationView {
    /// The result of `--apply`.
    Plan,
    /// The existing access entries.
    Now,
}

/// Formats the plan, styled: a table that fits `width` columns, what differs, the operations, and a summary. The view of the
/// present has no operations and no summary, and a planned access entry counts as missing.
pub(crate) fn migration_text(
    plan: &MigrationPlan<'_>,
    accounts: Option<&[AccountUse]>,
    view: MigrationView,
    cluster: Option<&str>,
    file_line: &FileLine<'_>,
    width: Option<usize>,
) -> String {
    let mut text = String::new();
    if plan.items.is_empty() {
        return "aws-auth has no entries.\n".to_owned();
    }
    let mut table = Table::new(
        vec!["PRINCIPAL", "IN aws-auth", "ACCESS ENTRY", "VERDICT"],
        1,
    );
    let now = |item: &Item<'_>| match view {
        MigrationView::Plan => None,
        MigrationView::Now => now(item, accounts),
    };
    for item in &plan.items {
        table.row(table_row::cells(item, now(item), file_line));
    }
    text.push_str(&table.render(width));
    let explained = plan.items.iter().filter(|item| now(item).is_none());
    details(&mut text, explained, cluster);
    if view == MigrationView::Plan {
        operations(&mut text, plan, cluster);
        list(&mut text, "Note", &plan.notes);
    }
    let unchecked: Vec<_> = plan
        .unchecked
        .iter()
        .cloned()
        .chain(principals_unchecked(plan))
        .collect();
    list(&mut text, "Not checked", &unchecked);
    if view == MigrationView::Plan {
        let _ = writeln!(text, "\n{}", summary_line(plan));
    }
    text
}

/// Returns the current state of an aws-auth entry, if its verdict describes what `--apply` would do, or that the account is an
/// obstacle although no one uses it.
fn now(item: &Item<'_>, accounts: Option<&[AccountUse]>) -> Option<(&'static str, Style)> {
    match &item.verdict {
        Verdict::Same | Verdict::SameRightsOtherWay { .. } | Verdict::Changed { .. } => {
            Some(("no access entry", LOSS))
        }
        _ if is_unused_account(item, accounts) => Some(("no one uses it", FAINT)),
        _ => None,
    }
}

/// Adds the information that a user needs to decide about entries. Those with the same differences share a paragraph.
fn details<'a>(
    text: &mut String,
    items: impl Iterator<Item = &'a Item<'a>>,
    cluster: Option<&str>,
) {
    let mut paragraphs: Vec<(&Verdict<'_>, Vec<String>, Vec<&str>)> = Vec::new();
    for item in items {
        let lines = lines(item, cluster);
        let same = paragraphs
            .iter_mut()
            .find(|(verdict, others, _)| word(verdict) == word(&item.verdict) && *others == lines);
        match same {
            Some((_, _, names)) => names.push(item.name()),
            None => paragraphs.push((&item.verdict, lines, vec![item.name()])),
        }
    }
    for (verdict, lines, names) in paragraphs.iter().filter(|(_, lines, _)| !lines.is_empty()) {
        text.push('\n');
        for (number, name) in names.iter().enumerate() {
            let name = paint(PLACE, &one_line(name));
            let _ = match number + 1 == names.len() {
                true => writeln!(text, "{name}: {}", paint(style(verdict), word(verdict))),
                false => writeln!(text, "{name},"),
            };
        }
        for line in lines {
            let _ = writeln!(text, "  {}", one_line(line));
        }
    }
}

fn lines(item: &Item<'_>, cluster: Option<&str>) -> Vec<String> {
    let mut lines = match &item.verdict {
        Verdict::SameRightsOtherWay { differences }
        | Verdict::AlreadyThere { differences }
        | Verdict::Unfinished { differences }
        | Verdict::Conflict { differences }
        | Verdict::Changed { differences, .. } => differences.clone(),
        Verdict::Cannot {
            reason,
            loses,
            remedy,
        } => vec![
            reason.clone(),
            format!("mode API would lock out {loses}"),
            format!("to fix it: {remedy}"),
        ],
        Verdict::DeadEntry => dead_entry(item, cluster),
        Verdict::Same | Verdict::NotMigrated { .. } | Verdict::Skipped => Vec::new(),
    };
    match &item.verdict {
        Verdict::Changed {
            is_accepted: false, ..
        } => {
            lines.push(format!("to accept this: --accept {}", item.name()));
        }
        Verdict::Unfinished { .. } => {
            lines.insert(
                0,
                "an earlier run created the access entry without its access policy: until --apply continues, the principal lacks the permissions of system:masters"
                    .to_owned(),
            );
        }
        Verdict::Conflict { .. } => {
            lines.push("the access entry decides today, and stays".to_owned());
        }
        _ => {}
    }
    let own = item.unchecked.iter();
    let own = own.filter(|what| matches!(what, Unchecked::Group(_) | Unchecked::NodeAccount));
    lines.extend(own.map(|what| format!("not checked: {what}")));
    lines
}

/// Explains how EKS treats an access entry that is older than its principal.
fn dead_entry(item: &Item<'_>, cluster: Option<&str>) -> Vec<String> {
    let Some(entry) = &item.entry else {
        return Vec::new();
    };
    let delete = Operation::DeleteEntry {
        principal_arn: entry.principal_arn.clone(),
    };
    let cluster = cluster.unwrap_or(UNKNOWN_CLUSTER);
    vec![
        "the access entry is older than its principal, which was deleted and created again: EKS rejects its sign-in"
            .to_owned(),
        format!("to fix it: {}, then plan again", delete.command(cluster)),
    ]
}

/// Counts the principals whose existence is unknown.
fn principals_unchecked(plan: &MigrationPlan<'_>) -> Vec<String> {
    let count = |of: fn(&Unchecked) -> bool| {
        let all = plan.items.iter().flat_map(|item| &item.unchecked);
        all.filter(|what| of(what)).count()
    };
    let roles = count(|what| matches!(what, Unchecked::Role { .. }));
    let users = count(|what| matches!(what, Unchecked::User));
    let noun = |count, noun| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    let roles = (roles > 0).then(|| {
        format!(
            "The existence and the IAM path of {}. EKS refuses a role without its path: give it with --principal ARN.",
            noun(roles, "role")
        )
    });
    let users = (users > 0).then(|| format!("The existence of {}.", noun(users, "user")));
    roles.into_iter().chain(users).collect()
}

/// Returns the style of a verdict.
fn style(verdict: &Verdict<'_>) -> Style {
    match verdict {
        Verdict::Same | Verdict::AlreadyThere { .. } => GAIN,
        Verdict::SameRightsOtherWay { .. } | Verdict::Changed { .. } | Verdict::Conflict { .. } => {
            NOTICE
        }
        Verdict::Cannot { .. } | Verdict::DeadEntry | Verdict::Unfinished { .. } => LOSS,
        Verdict::NotMigrated { .. } | Verdict::Skipped => FAINT,
    }
}

/// Lists the operations of a step.
pub(crate) fn operations_text(operations: &[Operation], cluster: Option<&str>) -> String {
    let heading = paint(HEADING, "Operations, in this order:");
    format!("{heading}\n{}", numbered(operations, cluster))
}

fn operations(text: &mut String, plan: &MigrationPlan<'_>, cluster: Option<&str>) {
    if plan.operations.is_empty() {
        return;
    }
    let heading = "Operations, in this order (carried out by --apply):";
    let _ = writeln!(text, "\n{}", paint(HEADING, heading));
    text.push_str(&numbered(&plan.operations, cluster));
}

fn list(text: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", paint(HEADING, &format!("{heading}:")));
    for line in lines {
        let _ = writeln!(text, "  {}", one_line(line));
    }
}

/// Returns the counts, and what they mean for mode API.
fn summary_line(plan: &MigrationPlan<'_>) -> String {
    let summary = plan.summary();
    let Summary {
        effective,
        same,
        other_way,
        accepted,
        changed,
        cannot,
        conflicts,
        dead,
        skipped,
        not_migrated,
    } = summary;
    let counts = [
        (other_way, "same permissions by other means"),
        (accepted, "changed and accepted"),
        (changed, "changed"),
        (cannot, "not possible"),
        (conflicts, "differ from an access entry"),
        (dead, "have a dead access entry"),
        (skipped, "skipped"),
    ];
    let mut line = format!("{same} of {effective} entries in effect are the same");
    for (count, word) in counts.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(line, ", {count} {word}");
    }
    if not_migrated > 0 {
        let _ = write!(line, "; {not_migrated} not in effect");
    }
    let locked_out = summary.only_in_aws_auth();
    if locked_out > 0 {
        let noun = if locked_out == 1 { "entry" } else { "entries" };
        let _ = write!(
            line,
            ": mode API would lock out the principals of {locked_out} {noun}"
        );
    }
    line.push('.');
    line
}

/// Returns the verdict in a few words.
fn word(verdict: &Verdict<'_>) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::SameRightsOtherWay { .. } => "same permissions by other means",
        Verdict::Changed {
            is_accepted: true, ..
        } => "changed, accepted",
        Verdict::Changed { .. } => "changed",
        Verdict::Cannot { .. } => "not possible",
        Verdict::NotMigrated { .. } => "not migrated",
        Verdict::AlreadyThere { .. } => "already there",
        Verdict::Unfinished { .. } => "unfinished",
        Verdict::Conflict { .. } => "differs from the access entry",
        Verdict::DeadEntry => "dead access entry",
        Verdict::Skipped => "skipped",
    }
}

/// Explains why an entry has no effect, with the line of the file if the entry that replaces it has one.
fn reason_text(reason: &Reason<'_>, file_line: &FileLine<'_>) -> String {
    if let Reason::ReplacedBy(Place { section, line, .. }) = reason
        && let Some(line) = file_line(*section, *line)
    {
        return format!("line {line} replaces it");
    }
    reason.to_string()
}
