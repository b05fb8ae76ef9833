//! The table of revisions.

use jiff::Timestamp;

use super::style::{HEADING, NOTICE, paint};
use super::table::{Cell, Table};
use awsauth_core::authenticator::AccessChange;
use awsauth_core::escape::one_line;
use awsauth_core::history::Revision;
use awsauth_core::shell_quote::quoted;
use awsauth_kube::field_managers::FieldManager;

/// The maximum number of identities that a summary names.
const NAMED: usize = 3;

/// The command of a revision of another client's write.
pub(crate) const FOREIGN_CHANGE: &str = "foreign change";
/// The command of such a revision if the client deleted aws-auth.
pub(crate) const FOREIGN_DELETION: &str = "foreign deletion";

/// A row of the history: a revision, or changes by other clients between two revisions.
pub(crate) struct HistoryRow {
    pub(crate) name: String,
    pub(crate) when: String,
    pub(crate) who: String,
    pub(crate) command: String,
    pub(crate) reason: String,
    /// The identities that gained, lost or changed access.
    pub(crate) access: String,
    /// Whether another client wrote.
    pub(crate) is_foreign: bool,
}

impl HistoryRow {
    /// Changes by other clients. The client is known only after the last revision.
    pub(crate) fn foreign(by: Option<&FieldManager>) -> Self {
        let time = by.and_then(|by| by.time.as_deref());
        let time = time.and_then(|time| time.parse::<Timestamp>().ok());
        Self {
            name: "-".to_owned(),
            when: time.map_or_else(|| "-".to_owned(), time_in_table),
            who: by.map_or("another client", |by| &by.name).to_owned(),
            command: FOREIGN_CHANGE.to_owned(),
            reason: "-".to_owned(),
            access: "-".to_owned(),
            is_foreign: true,
        }
    }

    /// A revision that cannot be read, and why.
    pub(crate) fn unreadable(name: String, why: &str) -> Self {
        Self {
            name,
            who: "-".to_owned(),
            command: format!("unreadable: {why}"),
            ..Self::foreign(None)
        }
    }
}

/// Returns a time for the table.
pub(crate) fn time_in_table(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The table of revisions, from the oldest to the newest.
pub(crate) fn history_table(rows: &[HistoryRow], limit: Option<usize>) -> String {
    let mut table = Table::new(
        vec!["REVISION", "WHEN", "WHO", "ACCESS", "REASON", "COMMAND"],
        5,
    );
    for row in rows {
        let style = match row.is_foreign {
            true => NOTICE,
            false => anstyle::Style::new(),
        };
        let texts = [
            &row.name,
            &row.when,
            &row.who,
            &row.access,
            &row.reason,
            &row.command,
        ];
        table.row(texts.map(|text| Cell::styled(text, style)).into());
    }
    table.render(limit)
}

/// Lists who gains (+), loses (-) or changes (~) access, by the last part of the ARN.
pub(crate) fn access_summary(changes: &[AccessChange]) -> String {
    let one = |AccessChange {
                   arn, before, after, ..
               }: &AccessChange| {
        let sign = match (before.is_empty(), after.is_empty()) {
            (true, _) => '+',
            (_, true) => '-',
            (false, false) => '~',
        };
        let name = arn.splitn(6, ':').nth(5).unwrap_or(arn);
        format!("{sign}{name}")
    };
    let mut named: Vec<String> = changes.iter().take(NAMED).map(one).collect();
    if changes.len() > NAMED {
        named.push(format!("and {} more", changes.len() - NAMED));
    }
    match named.is_empty() {
        true => "no change".to_owned(),
        false => named.join(" "),
    }
}

/// The metadata of a revision's write, styled.
pub(crate) fn revision_heading(name: &str, revision: &Revision) -> String {
    let mut text = paint(HEADING, &format!("revision {}", one_line(name))) + "\n";
    let command: Vec<_> = revision.command.iter().map(|word| quoted(word)).collect();
    let who = &revision.who;
    let lines = [
        ("when", Some(revision.when.to_string())),
        ("user", who.username.clone()),
        ("arn", who.arn.clone()),
        ("manager", who.manager.clone()),
        ("reason", revision.reason.clone()),
        ("command", Some(command.join(" "))),
        (
            "undoes",
            revision.undoes.map(|number| format!("revision {number}")),
        ),
        ("version", Some(revision.version.clone())),
        ("before", Some(revision.before.digest().to_string())),
        ("after", Some(revision.after.digest().to_string())),
    ];
    for (label, value) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text.push_str(&format!("{:<9}{}\n", format!("{label}:"), one_line(&value)));
        }
    }
    text + "\n"
}
