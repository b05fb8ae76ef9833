//! The mappings of several clusters in one list.

use serde::Serialize;
use serde_json::{Value, json};

use super::cells::{self, Columns};
use super::{EntryState, List, Listing, Row, Table, identity, permute};
use crate::output::fleet::{ClusterOutcome, FleetData};
use crate::output::style::{LOSS, NOTICE};
use crate::output::table::Cell;

/// The rows of one cluster.
#[derive(Debug)]
pub(crate) struct ListedRows {
    needs: Columns,
    rows: Vec<ListedRow>,
    data: Value,
    footer: String,
}

#[derive(Debug)]
struct ListedRow {
    /// A cell for each column.
    cells: Vec<Cell>,
    name: Option<String>,
    fields: Value,
}

impl Listing<'_> {
    /// Returns the rows, for a list of several clusters.
    pub(crate) fn rows(&self) -> Result<ListedRows, serde_json::Error> {
        let rows = self.rows.iter().map(|row| {
            Ok(ListedRow {
                cells: match row {
                    Row::Mapping(row) => row.cells(&Columns::ALL),
                    Row::AccessEntry(row) => cells::of_access_entry(row, &Columns::ALL),
                },
                name: row.name(),
                fields: row.fields()?,
            })
        });
        Ok(ListedRows {
            needs: self.columns(false),
            rows: rows.collect::<Result<_, serde_json::Error>>()?,
            data: serde_json::to_value(self.listing_data())?,
            footer: self.footer(),
        })
    }
}

/// The mappings of several clusters.
#[derive(Debug)]
pub(crate) struct FleetListing {
    rows: Vec<FleetRow>,
    needs: Vec<Columns>,
    clusters: Vec<ClusterOutcome>,
    footers: String,
}

#[derive(Debug)]
struct FleetRow {
    cluster: String,
    /// `None` for a cluster that cannot be read.
    row: Option<ListedRow>,
    error: String,
}

impl FleetListing {
    /// Lists the rows of each cluster, or why it cannot be read.
    pub(crate) fn new(
        clusters: impl IntoIterator<Item = (ClusterOutcome, Option<ListedRows>)>,
    ) -> Self {
        let mut all = Self {
            rows: Vec::new(),
            needs: Vec::new(),
            clusters: Vec::new(),
            footers: String::new(),
        };
        for (mut outcome, listed) in clusters {
            let cluster = &outcome.cluster;
            match listed {
                Some(listed) => {
                    let rows = listed.rows.into_iter().map(|row| FleetRow {
                        cluster: cluster.clone(),
                        row: Some(row),
                        error: String::new(),
                    });
                    all.rows.extend(rows);
                    all.needs.push(listed.needs);
                    let lines = listed.footer.lines();
                    let lines = lines.map(|line| format!("{cluster}: {line}\n"));
                    all.footers.extend(lines);
                    outcome.result = Some(listed.data);
                }
                None => all.rows.push(FleetRow {
                    cluster: cluster.clone(),
                    row: None,
                    error: outcome.error.clone().unwrap_or_default(),
                }),
            }
            all.clusters.push(outcome);
        }
        all
    }

    /// Returns the result for each cluster.
    pub(crate) fn outcomes(&self) -> &[ClusterOutcome] {
        &self.clusters
    }
}

impl List for FleetListing {
    fn table(&self, wide: bool) -> Table {
        let columns = Columns::of_several(self.needs.iter().copied(), wide);
        let headings = [vec!["CLUSTER"], columns.headings()].concat();
        let width = headings.len();
        let mut table = Table::new(headings, 2);
        for FleetRow {
            cluster,
            row,
            error,
        } in &self.rows
        {
            let mut cells = vec![Cell::new(cluster)];
            match row {
                Some(row) => cells.extend(columns.select(&row.cells)),
                None => {
                    cells.resize(width - 1, Cell::styled("-", NOTICE));
                    cells.push(Cell::styled(&format!("not read: {error}"), LOSS));
                }
            }
            table.row(cells);
        }
        table
    }

    fn footer(&self) -> String {
        self.footers.clone()
    }

    /// Returns cluster and ARN, or account, of each row.
    fn names(&self) -> Vec<String> {
        let names = self.rows.iter().filter_map(|row| {
            let name = row.row.as_ref()?.name.as_ref()?;
            Some(format!("{} {name}", row.cluster))
        });
        names.collect()
    }

    fn data(&self) -> impl Serialize {
        FleetData {
            clusters: &self.clusters,
        }
    }

    fn fields(&self) -> Result<Vec<Value>, serde_json::Error> {
        let fields = self.rows.iter().map(|row| {
            let mut fields = match &row.row {
                Some(listed) => listed.fields.clone(),
                None => json!({ "status": "not read", "reason": row.error }),
            };
            fields["cluster"] = row.cluster.clone().into();
            Ok(fields)
        });
        fields.collect()
    }

    fn reorder(&mut self, order: &[usize]) {
        permute(&mut self.rows, order);
    }
}

impl Row<'_> {
    /// Returns the ARN or account; `None` for an ignored entry.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Row::Mapping(row) if matches!(row.state, EntryState::Ignored { .. }) => None,
            Row::Mapping(row) => Some(identity(&row.mapping.principal)),
            Row::AccessEntry(row) => Some(row.entry.principal_arn.clone()),
        }
    }
}
