//! The cells of the table of mappings.

use anstyle::Style;

use super::{EXPIRED, EntryRow, Listed, Listing, MappingRow, NEVER_MATCHES, has_expired, identity};
use crate::output::access_entry;
use crate::output::principal_cell::{identity_cell, kind};
use crate::output::style::{FAINT, NOTICE};
use crate::output::table::Cell;
use awsauth_core::access_entries::recorded_expiry;
use awsauth_core::authenticator::{EntryState, OWN_ARN, Override, template};
use awsauth_core::document::Principal;
use awsauth_core::expiry::RecordedExpiry;
use awsauth_core::facts::access_entries::AccessTerms;

/// The optional columns of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    /// Whether aws-auth or an access entry is the source.
    source: bool,

    policies: bool,
    expires: bool,
    line: bool,
    status: bool,
}

impl Columns {
    pub(super) const ALL: Self = Self {
        source: true,
        policies: true,
        expires: true,
        line: true,
        status: true,
    };

    /// Returns the columns that tables of several clusters have, if the listings need `each`. Such tables have a status in any case,
    /// for clusters that cannot be read.
    pub(super) fn of_several(each: impl Iterator<Item = Self>, wide: bool) -> Self {
        let none = Self {
            source: false,
            policies: false,
            expires: false,
            line: wide,
            status: true,
        };
        each.fold(none, |all, one| Self {
            source: all.source || one.source,
            policies: all.policies || one.policies,
            expires: all.expires || one.expires,
            ..all
        })
    }

    /// Leaves out the cells of the other columns of a row that has all.
    pub(super) fn select(&self, cells: &[Cell]) -> Vec<Cell> {
        let optional = [
            self.policies,
            self.source,
            self.expires,
            self.line,
            self.status,
        ];
        let shown = [true; 4].into_iter().chain(optional);
        let cells = cells.iter().zip(shown);
        cells
            .filter(|(_, shown)| *shown)
            .map(|(cell, _)| cell.clone())
            .collect()
    }

    pub(super) fn headings(&self) -> Vec<&'static str> {
        let mut headings = vec!["KIND", "IDENTITY", "USERNAME", "GROUPS"];
        headings.extend(self.policies.then_some("POLICIES"));
        headings.extend(self.source.then_some("SOURCE"));
        headings.extend(self.expires.then_some("EXPIRES"));
        headings.extend(self.line.then_some("LINE"));
        headings.extend(self.status.then_some("STATUS"));
        headings
    }
}

impl Listing<'_> {
    /// Returns the columns that the table needs.
    pub(super) fn columns(&self, wide: bool) -> Columns {
        let has_policies = |row: EntryRow<'_>| {
            let terms = row.entry.terms.as_ref();
            terms.is_some_and(|terms| terms.policies.as_deref() != Some(&[]))
        };
        Columns {
            source: self.access_entries != Listed::No,
            policies: self.entries().any(has_policies),
            expires: self.mappings().any(|row| row.expiry.is_some())
                || self
                    .entries()
                    .any(|row| recorded_expiry(row.entry).is_some()),
            line: wide,
            status: wide
                || !self.mappings().all(MappingRow::is_in_force)
                || self.entries().any(|row| row.status().1.is_some()),
        }
    }
}

impl MappingRow<'_> {
    /// Returns the row of the mapping.
    pub(super) fn cells(&self, columns: &Columns) -> Vec<Cell> {
        let style = if self.state == EntryState::Effective && self.hidden.is_none() {
            Style::new()
        } else {
            FAINT
        };
        let (username, groups) = match &self.mapping.principal {
            Principal::Account(_) if self.state == EntryState::Effective => {
                (OWN_ARN, String::new())
            }
            _ => (
                self.mapping.username.as_str(),
                self.mapping.groups().join(","),
            ),
        };
        let mut cells = vec![
            Cell::styled(kind(&self.mapping.principal), style),
            identity_cell(&identity(&self.mapping.principal), style),
            Cell::styled(username, style),
            Cell::styled(&groups, style),
        ];
        if columns.policies {
            cells.push(Cell::styled("", style));
        }
        if columns.source {
            cells.push(Cell::styled("aws-auth", style));
        }
        if columns.expires {
            cells.push(expires(self.expiry, style));
        }
        if columns.line {
            cells.push(Cell::styled(&self.place.line.to_string(), style));
        }
        if columns.status {
            cells.push(match (self.state, self.hidden) {
                (EntryState::Effective, Some(Override::AccessEntry(_))) if !columns.line => {
                    Cell::styled("shadowed by its access entry", NOTICE)
                }
                (EntryState::Effective, Some(hidden)) => {
                    Cell::styled(&format!("shadowed: {hidden}"), NOTICE)
                }
                (EntryState::Effective, _) if !self.can_match() => {
                    Cell::styled(&format!("effective: {NEVER_MATCHES}"), NOTICE)
                }
                (EntryState::Effective, _) if has_expired(self.expiry) => {
                    Cell::styled(&format!("effective: {EXPIRED}"), NOTICE)
                }
                (EntryState::Effective, _) => Cell::new("effective"),
                (EntryState::Shadowed { by }, _) => {
                    Cell::styled(&format!("shadowed by {}", self.other(by)), NOTICE)
                }
                (EntryState::Ignored { reason }, _) => {
                    Cell::styled(&format!("ignored: {reason}"), NOTICE)
                }
            });
        }
        cells
    }
}

/// Returns the row of an access entry.
pub(super) fn of_access_entry(row: &EntryRow<'_>, columns: &Columns) -> Vec<Cell> {
    let entry = row.entry;
    let mut cells = vec![
        Cell::new(access_entry::kind(entry)),
        identity_cell(&entry.principal_arn, Style::new()),
    ];
    match &entry.terms {
        Some(terms) => {
            let user = template(entry, terms);
            cells.push(Cell::new(&user.username));
            cells.push(Cell::new(&user.groups.join(",")));
        }
        None => cells.extend([
            Cell::styled("not known", NOTICE),
            Cell::styled("not known", NOTICE),
        ]),
    }
    if columns.policies {
        cells.push(policies(entry.terms.as_ref()));
    }
    if columns.source {
        cells.push(Cell::new(&match &entry.terms {
            Some(terms) if terms.is_for_nodes() => format!("access entry ({})", terms.kind),
            _ => "access entry".to_owned(),
        }));
    }
    if columns.expires {
        cells.push(expires(recorded_expiry(entry), Style::new()));
    }
    if columns.line {
        cells.push(Cell::new(""));
    }
    if columns.status {
        cells.push(match row.status() {
            (status, None) => Cell::new(status),
            (status, Some(reason)) => Cell::styled(&format!("{status}: {reason}"), NOTICE),
        });
    }
    cells
}

/// Returns when an entry expires. One that was changed after its time was recorded does not.
fn expires(expiry: Option<RecordedExpiry>, style: Style) -> Cell {
    match expiry {
        None => Cell::styled("", style),
        Some(recorded) if has_expired(Some(recorded)) => {
            Cell::styled(&format!("{}: expired", recorded.at), NOTICE)
        }
        Some(RecordedExpiry {
            at,
            is_changed: false,
        }) => Cell::styled(&at.to_string(), style),
        Some(_) => Cell::styled("never: changed afterwards", NOTICE),
    }
}

fn policies(terms: Option<&AccessTerms>) -> Cell {
    match terms.and_then(|terms| terms.policies.as_ref()) {
        Some(policies) => {
            let short: Vec<_> = policies.iter().map(access_entry::short).collect();
            Cell::new(&short.join(","))
        }
        None => Cell::styled("not known", NOTICE),
    }
}
