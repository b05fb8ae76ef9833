//! The output of `report`: HTML, CSV, Markdown and JSON.

mod fleet_html;
mod flow_diagram;
mod html;
mod text;

pub(crate) use fleet_html::fleet_report_html;
pub(crate) use html::access_report_html;
pub(crate) use text::{
    access_difference_json, access_difference_text, access_report_csv, access_report_json,
    access_report_markdown, fleet_report_csv, fleet_report_markdown,
};

use std::borrow::Cow;

use awsauth_core::access_report::{
    AccessReport, LastUse, PrincipalAccess, PrincipalKind, Right, Source,
};
use awsauth_core::arn::Parts;
use awsauth_core::escape::one_line;

/// The report of one cluster of several.
#[derive(Debug)]
pub(crate) struct ClusterAccess {
    pub(crate) cluster: String,
    /// The report, or why the cluster could not be read.
    pub(crate) report: Result<AccessReport, String>,
}

/// Returns the part of a principal that users know it by: `role/NAME` without its path, or the text itself.
fn short_name(principal: &PrincipalAccess) -> Cow<'_, str> {
    match Parts::of(&principal.principal) {
        Some(parts) if !parts.name.is_empty() => {
            Cow::Owned(one_line(&format!("{}/{}", parts.kind, parts.name)).into_owned())
        }
        _ if principal.kind == PrincipalKind::Account => {
            Cow::Owned(format!("account {}", one_line(&principal.principal)))
        }
        _ => one_line(&principal.principal),
    }
}

fn kind_name(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::PermissionSet => "permission set",
        PrincipalKind::User => "user",
        PrincipalKind::Role => "role",
        PrincipalKind::Account => "account",
        PrincipalKind::Node => "node role",
    }
}

fn store_name(source: &Source) -> &'static str {
    match source {
        Source::AwsAuth { .. } => "aws-auth",
        Source::AccessEntry { .. } => "access entry",
    }
}

/// Returns the place in the store: `mapRoles line 3`, or the type of the access entry.
fn place(source: &Source) -> String {
    match source {
        Source::AwsAuth { section, line } => format!("{} line {line}", one_line(section)),
        Source::AccessEntry { kind: Some(kind) } => one_line(kind).into_owned(),
        Source::AccessEntry { kind: None } => "not described".to_owned(),
    }
}

/// Returns whether the principal signed in, in words; empty if that is not known.
fn last_use(principal: &PrincipalAccess) -> String {
    match &principal.last_use {
        None => String::new(),
        Some(LastUse::Used { last_sign_in }) => day(last_sign_in),
        Some(LastUse::Unused { reason }) => format!("unused: {}", one_line(reason)),
        Some(LastUse::Unknown { reason }) => format!("unknown: {}", one_line(reason)),
    }
}

/// Returns the day of a time in RFC 3339.
fn day(time: &str) -> String {
    let (day, _) = time.split_once('T').unwrap_or((time, ""));
    one_line(day).into_owned()
}

/// Returns where a right applies, in words.
fn scope(right: &Right) -> String {
    match right.namespaces.as_deref() {
        None => "whole cluster".to_owned(),
        Some(names) => one_line(&names.join(", ")).into_owned(),
    }
}
