//! Formats values of the core as text, JSON or YAML. Nothing here prints.
//!
//! Text is always styled; [`Out`](crate::terminal::Out) removes the styles if color is off.

mod access_changes;
mod access_check;
mod access_entry;
mod access_file;
mod access_report;
mod credentials;
mod doctor;
mod explanation;
mod fleet;
mod format;
mod github;
mod history;
mod kubeconfig;
mod lint;
mod list;
mod mapping_list;
mod markdown;
mod migration;
mod nodes;
mod operations;
mod plan_report;
mod principal_cell;
mod quoting;
mod rbac;
mod style;
mod table;
mod text_diff;
mod text_width;
mod unused;
mod version;
mod who_can;
mod whoami;

pub(crate) use access_changes::user_text;
pub(crate) use access_check::{Verification, verification_json, verification_text};
pub(crate) use access_report::{
    access_difference_json, access_difference_text, access_report_csv, access_report_html,
    access_report_json, access_report_markdown, fleet_report_csv, fleet_report_html,
    fleet_report_json, fleet_report_markdown,
};
pub(crate) use credentials::{
    as_dotenv, as_exports, as_json, as_powershell, as_process, variables,
};
pub(crate) use doctor::{Ran, doctor_bundle, doctor_json, doctor_text};
pub(crate) use explanation::{explanation_json, explanation_text};
pub(crate) use fleet::{
    ACCESS_HEADINGS, ClusterOutcome, FINDING_HEADINGS, FleetResult, FleetTable, access_rows,
    finding_rows, fleet_json,
};
pub(crate) use format::PlanFormat;
pub(crate) use github::{failure_command, failure_summary, plan_summary};
pub(crate) use history::{
    FOREIGN_CHANGE, FOREIGN_DELETION, HistoryRow, access_summary, history_table, revision_heading,
    time_in_table,
};
pub(crate) use kubeconfig::kubeconfig_changes;
pub(crate) use lint::{
    FixedFinding, Linted, Origin, finding_remark, lint_commands, lint_counts, lint_json,
    lint_junit, lint_notes, lint_sarif, lint_sarif_limits, lint_table, lint_text,
};
pub(crate) use list::{JsonPath, List, ListFormat, ListFormatParser, name_lines, sort_by, yaml};
pub(crate) use mapping_list::{FleetListing, ListedRows, Listing};
pub(crate) use migration::{
    EntryForm, MigrationView, migration_json, migration_text, operations_text, printed_entries,
};
pub(crate) use nodes::{NodesRead, nodes_json, nodes_text};
pub(crate) use plan_report::{
    access_text, change_text, notices, outcomes, refusal_json, remarks, report_json, report_text,
    short_name, unchecked,
};
pub(crate) use table::{Cell, Table};
pub(crate) use unused::{FleetUnusedList, UnusedList};
pub(crate) use version::{Versions, version_json, version_text};
pub(crate) use who_can::WhoCanList;
pub(crate) use whoami::{OnCluster, Whoami, whoami_json, whoami_text};
