//! The results of a command that ran for several clusters.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::access_changes;
use super::style::{GAIN, LOSS, NOTICE};
use super::table::{Cell, Table};
use crate::terminal::Exit;
use anstyle::Style;
use awsauth_core::lint::{Report, Severity, Site};
use awsauth_core::plan::Plan;

/// The result for one cluster, as JSON shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ClusterOutcome {
    pub(crate) cluster: String,
    /// The exit code that the command has for this cluster alone; null if it did not run.
    #[serde(rename = "exitCode", serialize_with = "code")]
    pub(crate) exit: Option<Exit>,
    /// What the command prints with `-o json` for this cluster alone.
    pub(crate) result: Option<Value>,
    /// Why there is no result, or why the change was not made.
    pub(crate) error: Option<String>,
}

fn code<S: Serializer>(exit: &Option<Exit>, serializer: S) -> Result<S::Ok, S::Error> {
    exit.map(Exit::code).serialize(serializer)
}

/// The JSON of a command that ran for several clusters.
#[derive(Serialize)]
pub(crate) struct FleetData<'a> {
    pub(crate) clusters: &'a [ClusterOutcome],
}

/// Formats the results as JSON.
pub(crate) fn fleet_json(clusters: &[ClusterOutcome]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&FleetData { clusters }).map(|text| text + "\n")
}

/// A table of all clusters. A row has a cell for each heading after `CLUSTER` and `RESULT`.
#[derive(Debug)]
pub(crate) struct FleetTable {
    table: Table,
    columns: usize,
}

impl FleetTable {
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        let all = [&["CLUSTER", "RESULT"], headings].concat();
        Self {
            columns: headings.len(),
            table: Table::new(all, headings.len() + 1),
        }
    }

    /// Adds the rows of a cluster, at least one.
    pub(crate) fn add(&mut self, cluster: &str, result: FleetResult, rows: Vec<Vec<Cell>>) {
        let (word, style) = result.word();
        let rows = match rows.is_empty() {
            true => vec![vec![Cell::new("-"); self.columns]],
            false => rows,
        };
        for row in rows {
            let mut cells = vec![Cell::new(cluster), Cell::styled(word, style)];
            cells.extend(row);
            self.table.row(cells);
        }
    }

    /// Adds a cluster without a result, and why it has none.
    pub(crate) fn add_failure(&mut self, cluster: &str, result: FleetResult, why: &str) {
        let mut row = vec![Cell::new("-"); self.columns - 1];
        row.push(Cell::styled(why, LOSS));
        self.add(cluster, result, vec![row]);
    }

    pub(crate) fn render(&self, width: Option<usize>) -> String {
        self.table.render(width)
    }
}

/// What a command did for one cluster, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FleetResult {
    Unchanged,
    Changed,
    WouldChange,
    NoFindings,
    Findings,
    NotRead,
    Failed,
    RolledBack,
    NotStarted,
    DoneBefore,
}

impl FleetResult {
    fn word(self) -> (&'static str, Style) {
        match self {
            Self::Unchanged => ("unchanged", Style::new()),
            Self::Changed => ("changed", GAIN),
            Self::WouldChange => ("would change", NOTICE),
            Self::NoFindings => ("no findings", GAIN),
            Self::Findings => ("findings", NOTICE),
            Self::NotRead => ("not read", LOSS),
            Self::Failed => ("failed", LOSS),
            Self::RolledBack => ("rolled back", LOSS),
            Self::NotStarted => ("not started", NOTICE),
            Self::DoneBefore => ("done before", Style::new()),
        }
    }
}

/// The headings of [`access_rows`].
pub(crate) const ACCESS_HEADINGS: [&str; 2] = ["IDENTITY", "ACCESS"];

/// Returns a row for each change of access.
pub(crate) fn access_rows(plan: &Plan) -> Vec<Vec<Cell>> {
    access_changes::rows(plan.access())
}

/// The headings of [`finding_rows`].
pub(crate) const FINDING_HEADINGS: [&str; 4] = ["SEVERITY", "RULE", "PLACE", "FINDING"];

/// Returns a row for each finding.
pub(crate) fn finding_rows(report: &Report) -> Vec<Vec<Cell>> {
    let rows = report.findings.iter().map(|finding| {
        let style = match finding.severity {
            Severity::Error => LOSS,
            Severity::Warning => NOTICE,
            Severity::Note => Style::new(),
        };
        let place = match &finding.site {
            Site::Text(text) => format!("{} line {}", text.section.key(), text.start.line),
            Site::Key(key) => format!("key {key}"),
            Site::File(_) | Site::ConfigMap => "aws-auth".to_owned(),
        };
        vec![
            Cell::styled(finding.severity.name(), style),
            Cell::new(finding.rule.id),
            Cell::new(&place),
            Cell::new(&finding.message),
        ]
    });
    rows.collect()
}
