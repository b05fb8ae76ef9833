mod data;

use std::fmt::Write as _;
use std::io;

use anstyle::Style;
use serde::Serialize;

use super::plain::plain;
use super::style::{FAINT, HEADING, NOTICE, PLACE, paint};
use super::table::{Cell, Table};
use crate::arn::can_match;
use crate::document::{Document, Mapping, Principal, SectionName};
use crate::effect::{OWN_ARN, Place, Slot, Standing, Store};

/// Said of an entry that stands in force for an ARN that STS never reports.
const MATCHES_NOBODY: &str = "matches nobody, for no caller has this ARN";

/// Finds the line of the manifest where a line of a section stands; `None` when it was not read from a file.
pub(crate) type FileLine<'a> = dyn Fn(SectionName, usize) -> Option<usize> + 'a;

/// The mappings of aws-auth as the authenticator sees them, in document order.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    rows: Vec<Row<'a>>,
    problems: Vec<Problem<'a>>,
}

#[derive(Debug)]
struct Row<'a> {
    place: Place,
    file_line: Option<usize>,
    mapping: &'a Mapping,
    standing: Standing<'a>,
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
    /// Lists every entry of `document`, of which `store` is the store, that `asked` lets through.
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
                standing: slot.standing,
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
        }
    }

    /// Whether any entry in it is in force.
    pub(crate) fn has_effect(&self) -> bool {
        self.rows
            .iter()
            .any(|row| row.standing == Standing::Effective && row.matches_somebody())
    }

    /// Pretty JSON in the shape that docs/json.md promises.
    pub(crate) fn write_json(&self, mut out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut out, &self.data())?;
        out.write_all(b"\n")
    }

    /// The same data as YAML.
    pub(crate) fn yaml(&self) -> Result<String, serde_yaml::Error> {
        serde_yaml::to_string(&self.data())
    }

    /// One ARN or account to a line, those of ignored entries left out.
    pub(crate) fn names(&self) -> String {
        let kept = self
            .rows
            .iter()
            .filter(|row| !matches!(row.standing, Standing::Ignored { .. }));
        kept.map(|row| format!("{}\n", plain(&identity(&row.mapping.principal))))
            .collect()
    }

    /// A styled table that fits `limit` columns, then what the authenticator complains about.
    pub(crate) fn table(&self, limit: Option<usize>) -> String {
        self.text(limit, false)
    }

    /// The table with every column, nothing shortened.
    pub(crate) fn wide(&self) -> String {
        self.text(None, true)
    }

    fn text(&self, limit: Option<usize>, wide: bool) -> String {
        let mut text = String::new();
        if !self.rows.is_empty() {
            let status = wide
                || self
                    .rows
                    .iter()
                    .any(|row| row.standing != Standing::Effective || !row.matches_somebody());
            let mut headings = vec!["KIND", "IDENTITY", "USERNAME", "GROUPS"];
            headings.extend(wide.then_some("LINE"));
            headings.extend(status.then_some("STATUS"));
            let mut table = Table::new(headings, 1);
            for row in &self.rows {
                table.row(row.cells(wide, status));
            }
            text.push_str(&table.render(limit));
        }
        if !self.problems.is_empty() {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(
                text,
                "{gap}{}",
                paint(HEADING, "The authenticator will complain:")
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
                plain(problem.message)
            );
        }
        text
    }
}

impl Row<'_> {
    fn cells(&self, wide: bool, status: bool) -> Vec<Cell> {
        let style = if self.standing == Standing::Effective {
            Style::new()
        } else {
            FAINT
        };
        let (username, groups) = match &self.mapping.principal {
            Principal::Account(_) if self.standing == Standing::Effective => {
                (OWN_ARN, String::new())
            }
            _ => (
                self.mapping.username.as_str(),
                self.mapping.groups().join(","),
            ),
        };
        let mut cells = vec![
            Cell::styled(kind(&self.mapping.principal), style),
            Cell::styled(&identity(&self.mapping.principal), style),
            Cell::styled(username, style),
            Cell::styled(&groups, style),
        ];
        if wide {
            cells.push(Cell::styled(&self.place.line.to_string(), style));
        }
        if status {
            cells.push(match self.standing {
                Standing::Effective if !self.matches_somebody() => {
                    Cell::styled(&format!("effective: {MATCHES_NOBODY}"), NOTICE)
                }
                Standing::Effective => Cell::new("effective"),
                Standing::Shadowed { by } => {
                    Cell::styled(&format!("shadowed by {}", self.other(by)), NOTICE)
                }
                Standing::Ignored { reason } => Cell::styled(&format!("ignored: {reason}"), NOTICE),
            });
        }
        cells
    }

    /// Whether there can be a caller whom it admits.
    fn matches_somebody(&self) -> bool {
        match &self.mapping.principal {
            Principal::Role(arn) | Principal::User(arn) => can_match(arn),
            Principal::Sso(_) | Principal::Account(_) => true,
        }
    }

    /// Another entry's place, as seen from this one.
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
