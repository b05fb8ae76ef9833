//! The principals and their sign-ins in a period.

use serde::Serialize;
use serde_json::Value;

use super::list::{List, permute};
use super::principal_cell::{identity_cell, source, source_cell};
use super::style::NOTICE;
use super::table::{Cell, Table};
use super::who_can::kind_of;
use anstyle::Style;
use awsauth_core::sign_in_log::SignInLog;
use awsauth_core::unused_access::{PrincipalUsage, Proof, Usage};
use jiff::Timestamp;

/// The usage of every principal that may sign in.
#[derive(Debug)]
pub(crate) struct UnusedList<'a> {
    since: Timestamp,
    until: Timestamp,
    rows: Vec<PrincipalUsage<'a>>,
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

impl<'a> UnusedList<'a> {
    /// Sorts unused principals first, then unknown ones.
    pub(crate) fn new(log: &SignInLog, mut rows: Vec<PrincipalUsage<'a>>) -> Self {
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

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns how many principals are unused.
    pub(crate) fn unused(&self) -> usize {
        self.count(|usage| matches!(usage, Usage::Unused(_)))
    }

    /// Returns of how many principals it is known whether they signed in.
    pub(crate) fn known(&self) -> usize {
        self.count(|usage| !matches!(usage, Usage::Unknown(_)))
    }

    fn count(&self, is_counted: impl Fn(&Usage) -> bool) -> usize {
        self.rows
            .iter()
            .filter(|row| is_counted(&row.usage))
            .count()
    }

    /// Returns how many principals signed in, as a sentence.
    pub(crate) fn summary(&self) -> String {
        let all = self.rows.len();
        if all == 0 {
            return "No principal may sign in.".to_owned();
        }
        let (unused, unknown) = (self.unused(), all - self.known());
        format!(
            "Since {}: {} used, {unused} unused, {unknown} unknown.",
            day(self.since),
            all - unused - unknown
        )
    }

    fn row<'r>(&self, row: &'r PrincipalUsage<'_>) -> RowData<'r> {
        let principal = row.principal;
        let is_account = principal.whole_account().is_some();
        let (usage, reason) = match &row.usage {
            Usage::Used(_) => ("used", None),
            Usage::Unused(proof) => ("unused", Some(self.reason(*proof))),
            Usage::Unknown(why) => ("unknown", Some(why.clone())),
        };
        let sign_ins = match row.usage {
            Usage::Used(sign_ins) => Some(sign_ins),
            _ => None,
        };
        RowData {
            kind: kind_of(principal),
            arn: (!is_account).then(|| principal.name()),
            account: principal.account(),
            source: source(principal.by),
            usage,
            last_sign_in: sign_ins.map(|sign_ins| sign_ins.last.to_string()),
            sign_ins: sign_ins.map_or(0, |sign_ins| sign_ins.count),
            reason,
            earlier_role_last_sign_in: row.earlier_role.map(|earlier| earlier.last.to_string()),
        }
    }

    fn reason(&self, proof: Proof) -> String {
        match proof {
            Proof::Log => "no sign-in in the log".to_owned(),
            Proof::RoleLastUsed(Some(last)) => {
                format!("IAM last saw the role on {}", day(last))
            }
            Proof::RoleLastUsed(None) => "IAM never saw the role used in 400 days".to_owned(),
            Proof::NoSuchRole => "the role does not exist".to_owned(),
        }
    }
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

impl List for UnusedList<'_> {
    fn table(&self, wide: bool) -> Table {
        let mut headings = vec!["KIND", "IDENTITY", "USAGE", "LAST SIGN-IN"];
        headings.extend(wide.then_some(["SIGN-INS", "SOURCE"]).into_iter().flatten());
        headings.push("REASON");
        let mut table = Table::new(headings, 1);
        for row in &self.rows {
            let data = self.row(row);
            let style = match row.usage {
                Usage::Used(_) => Style::new(),
                _ => NOTICE,
            };
            let last = match row.usage {
                Usage::Used(sign_ins) => day(sign_ins.last),
                _ => String::new(),
            };
            let mut reason = data.reason.unwrap_or_default();
            if let Some(earlier) = row.earlier_role {
                let note = format!(
                    "a deleted role of the same name signed in on {}",
                    day(earlier.last)
                );
                let separator = if reason.is_empty() { "" } else { "; " };
                reason = format!("{reason}{separator}{note}");
            }
            let mut cells = vec![
                Cell::new(data.kind),
                identity_cell(row.principal.name(), Style::new()),
                Cell::styled(data.usage, style),
                Cell::new(&last),
            ];
            if wide {
                cells.push(Cell::new(&data.sign_ins.to_string()));
                cells.push(source_cell(row.principal.by));
            }
            cells.push(Cell::new(&reason));
            table.row(cells);
        }
        table
    }

    /// The unused principals, so that scripts can remove them.
    fn names(&self) -> Vec<String> {
        let unused = self
            .rows
            .iter()
            .filter(|row| matches!(row.usage, Usage::Unused(_)));
        unused.map(|row| row.principal.name().to_owned()).collect()
    }

    fn data(&self) -> impl Serialize {
        Data {
            since: self.since.to_string(),
            until: self.until.to_string(),
            principals: self.rows.iter().map(|row| self.row(row)).collect(),
        }
    }

    fn fields(&self) -> Result<Vec<Value>, serde_json::Error> {
        let rows = self.rows.iter();
        rows.map(|row| serde_json::to_value(self.row(row)))
            .collect()
    }

    fn reorder(&mut self, order: &[usize]) {
        permute(&mut self.rows, order);
    }
}
