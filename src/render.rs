//! What people and machines read: core values become text, JSON or YAML. Nothing here prints.
//!
//! Text is always styled; whoever prints it strips the styles where they aren't wanted.

mod access;
mod access_entry;
mod credentials;
mod difference;
mod doctor;
mod explanation;
mod kubeconfig;
mod lint;
mod listing;
mod plain;
mod rbac;
mod report;
mod style;
mod table;
mod verification;
mod whoami;

pub(crate) use access::user_text;
pub(crate) use credentials::{
    as_dotenv, as_exports, as_json, as_powershell, as_process, variables,
};
pub(crate) use doctor::{Ran, doctor_bundle, doctor_json, doctor_text};
pub(crate) use explanation::{explanation_json, explanation_text};
pub(crate) use kubeconfig::kubeconfig_changes;
pub(crate) use lint::{Linted, lint_json, lint_notes, lint_text};
pub(crate) use listing::Listing;
pub(crate) use report::{notice, outcomes, refusal_json, report_json, report_text, short_name};
pub(crate) use verification::{Verification, verification_json, verification_text};
pub(crate) use whoami::{OnCluster, Whoami, whoami_json, whoami_text};
