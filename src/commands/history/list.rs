//! The list of revisions as JSON and as table rows.

use serde::Serialize;

use crate::backend::History;
use crate::output::{FOREIGN_CHANGE, FOREIGN_DELETION, HistoryRow, access_summary, time_in_table};
use awsauth_core::authenticator::{AccessChange, access_diff};
use awsauth_core::document::Document;
use awsauth_core::history::{Revision, RevisionState};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListData<'a> {
    revisions: Vec<RevisionData<'a>>,
    /// The digest of the current state.
    live: String,
    /// Whether the current state differs from what the newest write left.
    foreign_change: bool,
}

#[derive(Serialize)]
struct ModeData {
    from: &'static str,
    to: &'static str,
}

#[expect(
    clippy::large_enum_variant,
    reason = "the history has few revisions, and nearly all are readable"
)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum RevisionData<'a> {
    #[serde(rename_all = "camelCase")]
    Readable {
        revision: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        when: String,
        username: Option<&'a str>,
        arn: Option<&'a str>,
        /// The field manager of another client's write.
        #[serde(skip_serializing_if = "Option::is_none")]
        manager: Option<&'a str>,
        command: &'a [String],
        reason: Option<&'a str>,
        /// The number of the revision that the write undoes.
        #[serde(skip_serializing_if = "Option::is_none")]
        undoes: Option<u64>,
        /// The principals whose access entries the write changed.
        #[serde(skip_serializing_if = "Option::is_none")]
        access_entries: Option<Vec<&'a str>>,
        /// The change of the authentication mode.
        #[serde(skip_serializing_if = "Option::is_none")]
        authentication_mode: Option<ModeData>,
        /// Whether another client made the write.
        foreign: bool,
        version: &'a str,
        before: String,
        after: String,
        then: &'static str,
    },
    Unreadable {
        key: String,
        unreadable: &'a str,
    },
}

/// The list as JSON.
pub(super) fn json(history: &History) -> Result<String, serde_json::Error> {
    let revisions = history.entries.iter().map(|entry| match &entry.revision {
        Ok((revision, state)) => RevisionData::Readable {
            revision: revision.id(),
            path: entry.path.as_ref().map(|path| path.display().to_string()),
            when: revision.when.to_string(),
            username: revision.who.username.as_deref(),
            arn: revision.who.arn.as_deref(),
            manager: revision.who.manager.as_deref(),
            command: &revision.command,
            reason: revision.reason.as_deref(),
            undoes: revision.undoes,
            access_entries: revision.entries.as_ref().map(|write| {
                let changes = write.changes.iter();
                changes
                    .map(|change| change.principal_arn.as_str())
                    .collect()
            }),
            authentication_mode: revision.mode_change().map(|(from, to)| ModeData {
                from: from.name(),
                to: to.name(),
            }),
            foreign: revision.is_foreign,
            version: &revision.version,
            before: revision.before.digest().as_str().to_owned(),
            after: revision.after.digest().as_str().to_owned(),
            then: match state {
                RevisionState::Preserved => "kept",
                RevisionState::Void => "void",
                RevisionState::Overwritten => "foreign",
            },
        },
        Err(why) => RevisionData::Unreadable {
            key: entry.name.to_string(),
            unreadable: why,
        },
    });
    let list = ListData {
        revisions: revisions.collect(),
        live: history.live.digest().as_str().to_owned(),
        foreign_change: history.is_changed_by_others(),
    };
    serde_json::to_string_pretty(&list).map(|text| text + "\n")
}

/// The rows of the table, with an extra row wherever other clients wrote in between.
pub(super) fn rows(history: &History) -> Vec<HistoryRow> {
    let mut rows = Vec::new();
    for (nth, entry) in history.entries.iter().enumerate() {
        let name = entry.name.to_string();
        let (revision, state) = match &entry.revision {
            Ok(readable) => readable,
            Err(why) => {
                rows.push(HistoryRow::unreadable(name, why));
                continue;
            }
        };
        rows.push(row(name, revision, *state, history));
        if *state == RevisionState::Overwritten && revision.entries.is_none() {
            let last = nth + 1 == history.entries.len();
            rows.push(HistoryRow::foreign(
                history.last_writer.as_ref().filter(|_| last),
            ));
        }
    }
    rows
}

fn row(name: String, revision: &Revision, state: RevisionState, history: &History) -> HistoryRow {
    let access = match (revision.mode_change(), state) {
        (Some((from, to)), _) => format!("authentication mode {} → {}", from.name(), to.name()),
        (None, RevisionState::Void) => "not written, or taken back since".to_owned(),
        (None, _) => {
            let access = access_summary(&access_changes(revision));
            match is_clean(revision) {
                true => format!("{access} in aws-auth, kept through access entries"),
                false => access,
            }
        }
    };
    HistoryRow {
        name,
        when: time_in_table(revision.when),
        who: revision.who.name().map_or_else(
            || match revision.is_foreign {
                true => "another client".to_owned(),
                false => String::new(),
            },
            str::to_owned,
        ),
        command: command(revision, history),
        reason: revision.reason.clone().unwrap_or_default(),
        access,
        is_foreign: revision.is_foreign,
    }
}

/// Returns whether `migrate --clean` made the write: it removes only mappings whose principals have the same access through an
/// access entry.
fn is_clean(revision: &Revision) -> bool {
    let has = |word: &str| revision.command.iter().any(|own| own == word);
    revision.entries.is_none() && !revision.is_foreign && has("migrate") && has("--clean")
}

/// Returns the principals whose access the write changed.
fn access_changes(revision: &Revision) -> Vec<AccessChange> {
    let [before, after] = [&revision.before, &revision.after].map(|of| Document::read(&of.data));
    match &revision.entries {
        None => access_diff(&before, &after),
        Some(write) => write.access_changes(&before),
    }
}

/// Returns the command, with the command that it undoes.
fn command(revision: &Revision, history: &History) -> String {
    let own = match (revision.is_foreign, revision.is_deletion()) {
        (false, _) => revision.command.join(" "),
        (true, true) => FOREIGN_DELETION.to_owned(),
        (true, false) => FOREIGN_CHANGE.to_owned(),
    };
    let Some(number) = revision.undoes else {
        return own;
    };
    let undone = history.find(&number.to_string());
    let undone = undone.and_then(|entry| entry.revision.as_ref().ok());
    match undone {
        Some((undone, _)) => format!("{own} ({number}: {})", undone.command.join(" ")),
        None => format!("{own} ({number})"),
    }
}
