//! Output of `lint`.

mod display_range;
mod fixed_finding;
mod github;
mod json;
mod junit;
mod located_report;
mod rule_docs;
mod sarif;
mod snippet;
mod summary;
mod text;

pub(crate) use fixed_finding::FixedFinding;
pub(crate) use github::{lint_commands, lint_counts, lint_table};
pub(in crate::output) use json::FindingData;
pub(crate) use json::lint_json;
pub(crate) use junit::lint_junit;
pub(crate) use located_report::{Linted, Origin};
pub(crate) use sarif::{lint_sarif, lint_sarif_limits};
pub(crate) use summary::lint_notes;
pub(crate) use text::{finding_remark, lint_text};
