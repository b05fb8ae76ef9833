//! The principals and their sign-ins in a period.

use serde::Serialize;
use serde_json::{Value, json};

use super::fleet::{ClusterOutcome, FleetData};
use super::list::{List, permute};
use super::principal_cell::{identity_cell, source, source_cell};
use super::style::{LOSS, NOTICE};
use super::table::{Cell, Table};
use super::who_can::kind_of;
use anstyle::Style;
use awsauth_core::sign_in_log::{SignInLog, SignIns};
use awsauth_core::unused_access::{PrincipalUsage, Proof, Usage};
use jiff::Timestamp;

/// The usage of every principal that can sign in to a cluster.
#[derive(Debug)]
pub(crate) struct UnusedList {
    since: Timestamp,
    until: Timestamp,
    rows: Vec<Row>,
}

/// A principal, and whether it signed in.
#[derive(Debug)]
struct Row {
    kind: &'static str,
    /// The ARN; the ID of a whole account.
    name: String,
    is_account: bool,
    account: String,
    source: &'static str,
    source_cell: Cell,
    usage: Usage,
    earlier_role: Option<SignIns>,
}

impl From<PrincipalUsage<'_>> for Row {
    fn from(usage: PrincipalUsage<'_>) -> Self {
        let principal = usage.principal;
        Self {
            kind: kind_of(principal),
            name: principal.name().to_owned(),
            is_account: principal.whole_account().is_some(),
            account: principal.account().to_owned(),
            source: source(principal.by),
            source_cell: source_cell(principal.by),
            usage: usage.usage,
            earlier_role: usage.earlier_role,
        }
    }
}

/// The list as the JSON that docs/json.md documents.
#[derive(Serialize)]
struct Data<'a> {
    since: String,
    until: String,
    principals: Vec<RowData<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RowData<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
    account: &'a str,
    source: &'static str,
    usage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sign_in: Option<String>,
    sign_ins: u64,
    /// Why the principal is unused, or why its usage is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The last sign-in of a deleted role of the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    earlier_role_last_sign_in: Option<String>,
}

impl UnusedList {
    /// Sorts unused principals first, then unknown ones.
    pub(crate) fn new(log: &SignInLog, usages: Vec<PrincipalUsage<'_>>) -> Self {
        let mut rows: Vec<Row> = usages.into_iter().map(Row::from).collect();
        rows.sort_by_key(|row| match row.usage {
            Usage::Unused(_) => 0,
            Usage::Unknown(_) => 1,
            Usage::Used(_) => 2,
        });
        Self {
            since: log.since(),
            until: log.until(),
            rows,
        }
    }

    /// Returns the unused principals: the ARN or account of each, and why it is unused.
    pub(crate) fn unused(&self) -> impl Iterator<Item = (&str, Proof)> {
        self.rows.iter().filter_map(|row| match row.usage {
            Usage::Unused(proof) => Some((row.name.as_str(), proof)),
            _ => None,
        })
    }

    /// Returns whether there are principals, but the usage of all of them is unknown.
    pub(crate) fn is_unknown(&self) -> bool {
        !self.rows.is_empty() && self.unknown() == self.rows.len()
    }

    fn unknown(&self) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| matches!(row.usage, Usage::Unknown(_)))
            .count()
    }

    /// Returns how many principals signed in, as a sentence.
    pub(crate) fn summary(&self) -> String {
        let all = self.rows.len();
        if all == 0 {
            return "No principal can sign in.".to_owned();
        }
        let (unused, unknown) = (self.unused().count(), self.unknown());
        format!(
            "Since {}: {} used, {unused} unused, {unknown} unknown.",
            day(self.since),
            all - unused - unknown
        )
    }
}

impl Row {
    const HEADINGS: [&str; 5] = ["KIND", "IDENTITY", "USAGE", "LAST SIGN-IN", "REASON"];
    const WIDE_HEADINGS: [&str; 7] = [
        "KIND",
        "IDENTITY",
        "USAGE",
        "LAST SIGN-IN",
        "SIGN-INS",
        "SOURCE",
        "REASON",
    ];

    fn headings(wide: bool) -> &'static [&'static str] {
        match wide {
            true => &Self::WIDE_HEADINGS,
            false => &Self::HEADINGS,
        }
    }

    fn cells(&self, wide: bool) -> Vec<Cell> {
        let data = self.data();
        let (style, sign_ins) = match self.usage {
            Usage::Used(sign_ins) => (Style::new(), Some(sign_ins)),
            _ => (NOTICE, None),
        };
        let last = sign_ins.map_or_else(String::new, |sign_ins| day(sign_ins.last));
        let mut reason = data.reason.unwrap_or_default();
        if let Some(earlier) = self.earlier_role {
            let note = format!(
                "a deleted role of the same name signed in on {}",
                day(earlier.last)
            );
            let separator = if reason.is_empty() { "" } else { "; " };
            reason = format!("{reason}{separator}{note}");
        }
        let mut cells = vec![
            Cell::new(data.kind),
            identity_cell(&self.name, Style::new()),
            Cell::styled(data.usage, style),
            Cell::new(&last),
        ];
        if wide {
            cells.push(Cell::new(&data.sign_ins.to_string()));
            cells.push(self.source_cell.clone());
        }
        cells.push(Cell::new(&reason));
        cells
    }

    fn data(&self) -> RowData<'_> {
        let (usage, sign_ins, reason) = match &self.usage {
            Usage::Used(sign_ins) => ("used", Some(sign_ins), None),
            Usage::Unused(proof) => ("unused", None, Some(proof.to_string())),
            Usage::Unknown(why) => ("unknown", None, Some(why.clone())),
        };
        RowData {
            kind: self.kind,
            arn: (!self.is_account).then_some(&self.name),
            account: &self.account,
            source: self.source,
            usage,
            last_sign_in: sign_ins.map(|sign_ins| sign_ins.last.to_string()),
            sign_ins: sign_ins.map_or(0, |sign_ins| sign_ins.count),
            reason,
            earlier_role_last_sign_in: self.earlier_role.map(|earlier| earlier.last.to_string()),
        }
    }

    /// Returns the name of an unused principal, so that scripts can remove it.
    fn unused_name(&self) -> Option<&str> {
        matches!(self.usage, Usage::Unused(_)).then_some(&self.name)
    }
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

impl List for UnusedList {
    fn table(&self, wide: bool) -> Table {
        let mut table = Table::new(Row::headings(wide).to_vec(), 1);
        for row in &self.rows {
            table.row(row.cells(wide));
        }
        table
    }

    fn names(&self) -> Vec<String> {
        let names = self.rows.iter().filter_map(Row::unused_name);
        names.map(str::to_owned).collect()
    }

    fn data(&self) -> impl Serialize {
        Data {
            since: self.since.to_string(),
            until: self.until.to_string(),
            principals: self.rows.iter().map(Row::data).collect(),
        }
    }

    fn fields(&self) -> Result<Vec<Value>, serde_json::Error> {
        let rows = self.rows.iter();
        rows.map(|row| serde_json::to_value(row.data())).collect()
    }

    fn reorder(&mut self, order: &[usize]) {
        permute(&mut self.rows, order);
    }
}

/// The usage of the principals of several clusters.
#[derive(Debug)]
pub(crate) struct FleetUnusedList {
    /// Each with its cluster; the error of a cluster that cannot be read.
    rows: Vec<(String, Result<Row, String>)>,
    clusters: Vec<ClusterOutcome>,
}

impl FleetUnusedList {
    /// Lists the principals of each cluster, or why it cannot be read.
    ///
    /// # Errors
    /// Never, because every key is a string.
    pub(crate) fn new(
        clusters: impl IntoIterator<Item = (ClusterOutcome, Option<UnusedList>)>,
    ) -> Result<Self, serde_json::Error> {
        let mut all = Self {
            rows: Vec::new(),
            clusters: Vec::new(),
        };
        for (mut outcome, list) in clusters {
            let cluster = outcome.cluster.clone();
            match list {
                Some(list) => {
                    outcome.result = Some(serde_json::to_value(list.data())?);
                    let rows = list.rows.into_iter();
                    all.rows.extend(rows.map(|row| (cluster.clone(), Ok(row))));
                }
                None => {
                    let error = outcome.error.clone().unwrap_or_default();
                    all.rows.push((cluster, Err(error)));
                }
            }
            all.clusters.push(outcome);
        }
        Ok(all)
    }

    /// Returns the result for each cluster.
    pub(crate) fn outcomes(&self) -> &[ClusterOutcome] {
        &self.clusters
    }
}

impl List for FleetUnusedList {
    fn table(&self, wide: bool) -> Table {
        let headings = [&["CLUSTER"], Row::headings(wide)].concat();
        let width = headings.len();
        let mut table = Table::new(headings, 2);
        for (cluster, row) in &self.rows {
            let mut cells = vec![Cell::new(cluster)];
            match row {
                Ok(row) => cells.extend(row.cells(wide)),
                Err(error) => {
                    cells.resize(width - 1, Cell::styled("-", NOTICE));
                    cells.push(Cell::styled(&format!("not read: {error}"), LOSS));
                }
            }
            table.row(cells);
        }
        table
    }

    fn names(&self) -> Vec<String> {
        let names = self.rows.iter().filter_map(|(cluster, row)| {
            let name = row.as_ref().ok()?.unused_name()?;
            Some(format!("{cluster} {name}"))
        });
        names.collect()
    }

    fn data(&self) -> impl Serialize {
        FleetData {
            clusters: &self.clusters,
        }
    }

    fn fields(&self) -> Result<Vec<Value>, serde_json::Error> {
        let rows = self.rows.iter().map(|(cluster, row)| {
            let mut fields = match row {
                Ok(row) => serde_json::to_value(row.data())?,
                Err(error) => json!({ "usage": "not read", "reason": error }),
            };
            fields["cluster"] = cluster.as_str().into();
            Ok(fields)
        });
        rows.collect()
    }

    fn reorder(&mut self, order: &[usize]) {
        permute(&mut self.rows, order);
    }
}
