//! The mappings that `get` shows.

mod cells;
mod data;

use std::error::Error;
use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use super::style::{HEADING, PLACE, paint};
use super::table::Table;
use awsauth_core::arn::can_match;
use awsauth_core::authenticator::{AccessEntries, EntryState, Override, Place, Slot, Store};
use awsauth_core::document::{Document, Mapping, Principal, SectionName};
use awsauth_core::escape::one_line;
use awsauth_core::escape::{has_log_command, is_invisible, json_for_yaml};
use awsauth_core::facts::access_entries::AccessEntry;

/// The note on an effective entry for an ARN that STS never reports.
const NEVER_MATCHES: &str = "never matches, because no caller has this ARN";

/// Converts a line of a section to a line of the manifest; `None` if it was not read from a file.
pub(crate) type FileLine<'a> = dyn Fn(SectionName, usize) -> Option<usize> + 'a;

/// The mappings of aws-auth as the authenticator sees them, in document order.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    rows: Vec<Row<'a>>,
    problems: Vec<Problem<'a>>,
    /// The selected access entries, if they are known.
    access: Option<Access<'a>>,
}

#[derive(Debug)]
struct Access<'a> {
    /// `None` if they cannot be read.
    shown: Option<Vec<&'a AccessEntry>>,
}

#[derive(Debug)]
struct Row<'a> {
    place: Place,
    file_line: Option<usize>,
    mapping: &'a Mapping,
    state: EntryState<'a>,
    /// Why the entry has no effect nevertheless.
    hidden: Option<Override<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    section: &'static str,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_line: Option<usize>,
    message: &'a str,
}

impl<'a> Listing<'a> {
    /// Lists the entries of `document` that `asked` selects; `store` must be built from `document`.
    pub(crate) fn new(
        document: &'a Document,
        store: &Store<'a>,
        file_line: &FileLine<'_>,
        asked: impl Fn(&Slot<'_>) -> bool,
    ) -> Self {
        let rows = store
            .slots()
            .iter()
            .filter(|slot| asked(slot))
            .map(|slot| Row {
                place: slot.place,
                file_line: file_line(slot.place.section, slot.place.line),
                mapping: slot.mapping,
                state: slot.state,
                hidden: None,
            });
        let problems = document.sections().flat_map(|section| {
            section.problems().iter().map(|problem| Problem {
                section: section.name().key(),
                line: problem.line,
                file_line: file_line(section.name(), problem.line),
                message: &problem.message,
            })
        });
        Self {
            rows: rows.collect(),
            problems: problems.collect(),
            access: None,
        }
    }

    /// Adds the cluster's access entries that `asked` selects.
    pub(crate) fn with_access_entries(
        self,
        entries: &'a AccessEntries,
        asked: impl Fn(&AccessEntry) -> bool,
    ) -> Self {
        let hide = |row: Row<'a>| Row {
            hidden: entries.override_for_principal(&row.mapping.principal),
            ..row
        };
        let shown = entries.all();
        let shown = shown.map(|all| all.iter().filter(|entry| asked(entry)).collect());
        Self {
            rows: self.rows.into_iter().map(hide).collect(),
            access: Some(Access { shown }),
            ..self
        }
    }

    /// Returns the listed access entries.
    fn shown(&self) -> &[&'a AccessEntry] {
        let shown = self.access.as_ref().map(|access| access.shown.as_deref());
        shown.flatten().unwrap_or_default()
    }

    /// Returns whether any listed entry is in effect.
    pub(crate) fn has_effect(&self) -> bool {
        !self.shown().is_empty() || self.rows.iter().any(Row::is_in_force)
    }

    /// Writes the listing as the JSON that docs/json.md documents.
    pub(crate) fn write_json(&self, mut out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut out, &self.data())?;
        out.write_all(b"\n")
    }

    /// Formats the same data as YAML. YAML writers escape neither every invisible character nor what the log of a CI system takes for
    /// a command; if there is one, this returns JSON, which is YAML, too.
    pub(crate) fn yaml(&self) -> Result<String, Box<dyn Error>> {
        let yaml = serde_yaml::to_string(&self.data())?;
        if !yaml.contains(|c| c != '\n' && is_invisible(c)) && !has_log_command(&yaml) {
            return Ok(yaml);
        }
        let json = serde_json::to_string_pretty(&self.data())? + "\n";
        Ok(json_for_yaml(&json).into_owned())
    }

    /// Returns one ARN or account per line, without ignored entries.
    pub(crate) fn names(&self) -> String {
        let kept = self
            .rows
            .iter()
            .filter(|row| !matches!(row.state, EntryState::Ignored { .. }));
        let kept = kept.map(|row| identity(&row.mapping.principal));
        let admitted = self.shown().iter();
        let admitted = admitted.map(|entry| entry.principal_arn.clone());
        kept.chain(admitted)
            .map(|name| format!("{}\n", one_line(&name)))
            .collect()
    }

    /// Formats a styled table that fits `limit` columns, and the errors that the authenticator logs.
    pub(crate) fn table(&self, limit: Option<usize>) -> String {
        self.text(limit, false)
    }

    /// Formats the table with every column, without shortening.
    pub(crate) fn wide(&self) -> String {
        self.text(None, true)
    }

    fn text(&self, limit: Option<usize>, wide: bool) -> String {
        let mut text = String::new();
        let columns = self.columns(wide);
        if !self.rows.is_empty() || !self.shown().is_empty() {
            let mut table = Table::new(columns.headings(), 1);
            for row in &self.rows {
                table.row(row.cells(&columns));
            }
            for entry in self.shown() {
                table.row(cells::of_access_entry(entry, &columns));
            }
            text.push_str(&table.render(limit));
        }
        if !self.problems.is_empty() {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(
                text,
                "{gap}{}",
                paint(HEADING, "The authenticator will log errors:")
            );
        }
        for problem in &self.problems {
            let mut place = format!("{} line {}", problem.section, problem.line);
            if let Some(line) = problem.file_line {
                let _ = write!(place, " (line {line} of the file)");
            }
            let _ = writeln!(
                text,
                "  {}: {}",
                paint(PLACE, &place),
                one_line(problem.message)
            );
        }
        text
    }
}

impl Row<'_> {
    /// Returns whether the entry is in effect.
    fn is_in_force(&self) -> bool {
        self.state == EntryState::Effective && self.hidden.is_none() && self.can_match()
    }

    /// Returns whether a caller can match the entry.
    fn can_match(&self) -> bool {
        match &self.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => can_match(arn),
            Principal::Sso(_) | Principal::Account(_) => true,
        }
    }

    /// Formats the place of another entry, relative to this one.
    fn other(&self, place: Place) -> String {
        if place.section == self.place.section {
            format!("line {}", place.line)
        } else {
            format!("{} line {}", place.section.key(), place.line)
        }
    }
}

fn kind(principal: &Principal) -> &'static str {
    match principal {
        Principal::Role(_) => "role",
        Principal::Sso(_) => "sso",
        Principal::User(_) => "user",
        Principal::Account(_) => "account",
    }
}

fn identity(principal: &Principal) -> String {
    match principal {
        Principal::Role(text) | Principal::User(text) | Principal::Account(text) => text.clone(),
        Principal::Sso(sso) => format!("{}@{}", sso.permission_set_name, sso.account_id),
    }
}
