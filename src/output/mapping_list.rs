//! The mappings that `get` shows.

mod cells;
mod fleet;
mod grants;
mod json;

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::list::{List, permute};
use super::style::{HEADING, PLACE, paint};
use super::table::Table;
use awsauth_core::access_entries::recorded_expiry;
use awsauth_core::arn::can_match;
use awsauth_core::authenticator::{AccessEntries, EntryState, Override, Place, Slot, Store};
use awsauth_core::document::{Document, Mapping, Principal, SectionName};
use awsauth_core::escape::one_line;
use awsauth_core::expiry::RecordedExpiry;
use awsauth_core::facts::access_entries::{AccessEntry, Liveness};

pub(crate) use fleet::{FleetListing, ListedRows};

/// The note on an effective entry for an ARN that STS never reports.
const NEVER_MATCHES: &str = "never matches, because no caller has this ARN";

/// Converts a line of a section to a line of the manifest; `None` if it was not read from a file.
pub(crate) type FileLine<'a> = dyn Fn(SectionName, usize) -> Option<usize> + 'a;

/// The mappings of aws-auth as the authenticator sees them, in document order, and access entries.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    rows: Vec<Row<'a>>,
    problems: Vec<Problem<'a>>,
    access_entries: Listed,
}

/// Whether the rows have access entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    /// The cluster has none, or they are unknown.
    No,
    /// They cannot be read.
    Unread,
    Yes,
}

/// A row of the table.
#[derive(Debug)]
enum Row<'a> {
    Mapping(MappingRow<'a>),
    AccessEntry(EntryRow<'a>),
}

/// An access entry.
#[derive(Clone, Copy, Debug)]
struct EntryRow<'a> {
    entry: &'a AccessEntry,
    /// `None` if IAM was not asked.
    liveness: Option<Liveness>,
}

/// The reason next to the status of an entry whose time has passed.
const EXPIRED: &str = "expired, and still gives access";

/// Returns whether the recorded time has passed.
fn has_expired(expiry: Option<RecordedExpiry>) -> bool {
    expiry.is_some_and(|expiry| expiry.has_passed(Timestamp::now()))
}

impl EntryRow<'_> {
    /// Returns the status, and its reason if EKS may not let the principal in.
    fn status(&self) -> (&'static str, Option<&'static str>) {
        match self.liveness {
            None | Some(Liveness::Alive) if has_expired(recorded_expiry(self.entry)) => {
                ("effective", Some(EXPIRED))
            }
            None | Some(Liveness::Alive) => ("effective", None),
            Some(Liveness::Dead) => (
                "dead",
                Some("it is older than its principal, which was deleted and created again"),
            ),
            Some(Liveness::Orphaned) => ("orphaned", Some("its principal does not exist")),
            Some(Liveness::Unknown) => ("unknown", Some("IAM did not return its principal")),
        }
    }
}

/// A mapping of aws-auth.
#[derive(Debug)]
struct MappingRow<'a> {
    place: Place,
    file_line: Option<usize>,
    mapping: &'a Mapping,
    state: EntryState<'a>,
    /// Why the entry has no effect nevertheless.
    hidden: Option<Override<'a>>,
    /// When it expires, as recorded.
    expiry: Option<RecordedExpiry>,
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
    /// Returns how many of the entries in effect have expired.
    pub(crate) fn expired(&self) -> usize {
        let mappings = self.mappings().filter(|row| row.is_in_force());
        let mappings = mappings.filter(|row| has_expired(row.expiry)).count();
        let entries = self.entries();
        mappings
            + entries
                .filter(|row| has_expired(recorded_expiry(row.entry)))
                .count()
    }

    /// Lists the entries of `document` that `asked` selects; `store` must be built from `document`.
    pub(crate) fn new(
        document: &'a Document,
        store: &Store<'a>,
        file_line: &FileLine<'_>,
        expiries: &HashMap<(SectionName, usize), RecordedExpiry>,
        asked: impl Fn(&Slot<'_>) -> bool,
    ) -> Self {
        let rows = store
            .slots()
            .iter()
            .filter(|slot| asked(slot))
            .map(|slot| MappingRow {
                place: slot.place,
                file_line: file_line(slot.place.section, slot.place.line),
                mapping: slot.mapping,
                state: slot.state,
                hidden: None,
                expiry: expiries
                    .get(&(slot.place.section, slot.place.line))
                    .copied(),
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
            rows: rows.map(Row::Mapping).collect(),
            problems: problems.collect(),
            access_entries: Listed::No,
        }
    }

    /// Adds the cluster's access entries that `asked` selects. `liveness` is `None` if IAM was not asked.
    pub(crate) fn with_access_entries(
        self,
        entries: &'a AccessEntries,
        liveness: &dyn Fn(&AccessEntry) -> Option<Liveness>,
        asked: impl Fn(&AccessEntry) -> bool,
    ) -> Self {
        let hide = |row: Row<'a>| match row {
            Row::Mapping(row) => Row::Mapping(MappingRow {
                hidden: entries.override_for_principal(&row.mapping.principal),
                ..row
            }),
            row => row,
        };
        let shown = entries.all().unwrap_or_default().iter();
        let shown = shown.filter(|entry| asked(entry)).map(|entry| {
            Row::AccessEntry(EntryRow {
                entry,
                liveness: liveness(entry),
            })
        });
        Self {
            rows: self.rows.into_iter().map(hide).chain(shown).collect(),
            access_entries: match entries.all() {
                Some(_) => Listed::Yes,
                None => Listed::Unread,
            },
            ..self
        }
    }

    /// Returns the mappings of aws-auth.
    fn mappings(&self) -> impl Iterator<Item = &MappingRow<'a>> {
        self.rows.iter().filter_map(|row| match row {
            Row::Mapping(row) => Some(row),
            Row::AccessEntry(_) => None,
        })
    }

    /// Returns the listed access entries.
    fn entries(&self) -> impl Iterator<Item = EntryRow<'a>> {
        self.rows.iter().filter_map(|row| match row {
            Row::Mapping(_) => None,
            Row::AccessEntry(entry) => Some(*entry),
        })
    }

    /// Returns whether any listed entry is in effect.
    pub(crate) fn has_effect(&self) -> bool {
        self.rows.iter().any(|row| match row {
            Row::Mapping(row) => row.is_in_force(),
            Row::AccessEntry(row) => !matches!(row.status(), ("dead" | "orphaned", _)),
        })
    }
}

impl List for Listing<'_> {
    fn table(&self, wide: bool) -> Table {
        let columns = self.columns(wide);
        let mut table = Table::new(columns.headings(), 1);
        for row in &self.rows {
            table.row(match row {
                Row::Mapping(row) => row.cells(&columns),
                Row::AccessEntry(row) => cells::of_access_entry(row, &columns),
            });
        }
        table
    }

    /// Returns the errors that the authenticator logs.
    fn footer(&self) -> String {
        let mut text = String::new();
        if !self.problems.is_empty() {
            let _ = writeln!(
                text,
                "{}",
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

    /// Returns ARNs and accounts, without ignored entries.
    fn names(&self) -> Vec<String> {
        self.rows.iter().filter_map(Row::name).collect()
    }

    fn data(&self) -> impl Serialize {
        self.listing_data()
    }

    fn access_file(&self) -> Option<String> {
        Some(self.granted())
    }

    fn fields(&self) -> Result<Vec<Value>, serde_json::Error> {
        self.rows.iter().map(Row::fields).collect()
    }

    fn reorder(&mut self, order: &[usize]) {
        permute(&mut self.rows, order);
    }
}

impl MappingRow<'_> {
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

fn identity(principal: &Principal) -> String {
    match principal {
        Principal::Role(text) | Principal::User(text) | Principal::Account(text) => text.clone(),
        Principal::Sso(sso) => format!("{}@{}", sso.permission_set_name, sso.account_id),
    }
}
