//! The output of `report`: HTML, CSV, Markdown and JSON.

mod fleet_html;
mod flow_diagram;
mod html;
mod text;

pub(crate) use fleet_html::fleet_report_html;
pub(crate) use html::access_report_html;
pub(crate) use text::{
    access_difference_json, access_difference_text, access_report_csv, access_report_json,
    access_report_markdown, fleet_report_csv, fleet_report_json, fleet_report_markdown,
};

use std::borrow::Cow;

use awsauth_core::access_report::{
    AccessReport, Difference, Finding, FleetReport, LastUse, Level, PrincipalAccess, PrincipalKind,
    Right, Source,
};
use awsauth_core::arn::Parts;
use awsauth_core::escape::one_line;

/// The changes since an earlier report, and the name of its file.
pub(crate) type ChangesSince<'a> = (&'a str, &'a Difference<'a>);

/// The report of the only cluster, or of one cluster of several.
#[derive(Clone, Copy)]
struct Part<'a> {
    /// The name in the fleet; `None` if there is only one cluster.
    cluster: Option<&'a str>,
    /// The report, or why the cluster could not be read.
    report: Result<&'a AccessReport, &'a str>,
}

impl<'a> Part<'a> {
    fn only(report: &'a AccessReport) -> [Self; 1] {
        [Self {
            cluster: None,
            report: Ok(report),
        }]
    }

    fn of(fleet: &'a FleetReport) -> Vec<Self> {
        let parts = fleet.clusters.iter().map(|one| Self {
            cluster: Some(&one.cluster),
            report: one.read(),
        });
        parts.collect()
    }

    /// Returns what was not read.
    fn gaps(self) -> Vec<&'a str> {
        match self.report {
            Ok(report) => report.head.not_read.iter().map(String::as_str).collect(),
            Err(why) => vec![why],
        }
    }
}

/// Returns all principals, each with its cluster if there are several.
fn principals<'a>(
    parts: &[Part<'a>],
) -> impl Iterator<Item = (Option<&'a str>, &'a PrincipalAccess)> {
    let principals = |part: &Part<'a>| part.report.map_or(&[][..], |report| &report.principals);
    parts
        .iter()
        .flat_map(move |part| principals(part).iter().map(|one| (part.cluster, one)))
}

/// Returns all findings, each with its cluster if there are several.
fn findings<'a>(parts: &[Part<'a>]) -> impl Iterator<Item = (Option<&'a str>, &'a Finding)> {
    let findings = |part: &Part<'a>| part.report.map_or(&[][..], |report| &report.findings);
    parts
        .iter()
        .flat_map(move |part| findings(part).iter().map(|one| (part.cluster, one)))
}

/// Returns whether the reports include the last use.
fn shows_use(parts: &[Part<'_>]) -> bool {
    let mut read = parts.iter().filter_map(|part| part.report.ok());
    read.any(|report| report.head.signed_in_since.is_some())
}

/// Returns the numbers of principals and errors, each with its name.
fn numbers(parts: &[Part<'_>]) -> [(&'static str, usize); 10] {
    let live = || principals(parts).filter(|(_, one)| !one.is_dead);
    let at = |level: Level| live().filter(|(_, one)| one.level == level).count();
    let of_kind = |kinds: &[PrincipalKind]| {
        let of_kind = live().filter(|(_, one)| kinds.contains(&one.kind));
        of_kind.count()
    };
    [
        ("administrators", at(Level::Admin)),
        ("others who can write", at(Level::Write)),
        ("can only read", at(Level::Read)),
        ("permissions unknown", at(Level::Unknown)),
        ("without permissions", at(Level::None)),
        (
            "permission sets and users",
            of_kind(&[PrincipalKind::PermissionSet, PrincipalKind::User]),
        ),
        ("other roles", of_kind(&[PrincipalKind::Role])),
        ("node roles", of_kind(&[PrincipalKind::Node])),
        ("whole accounts", of_kind(&[PrincipalKind::Account])),
        ("errors found", errors(findings(parts).map(|(_, one)| one))),
    ]
}

/// Returns the number of findings that are errors.
fn errors<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> usize {
    let findings = findings.into_iter();
    findings
        .filter(|finding| finding.severity == "error")
        .count()
}

/// Returns the familiar part of a principal: `role/NAME` without its path, or the whole value.
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

/// Returns where permissions apply, in words.
fn scope(right: &Right) -> String {
    match right.namespaces.as_deref() {
        None => "whole cluster".to_owned(),
        Some(names) => one_line(&names.join(", ")).into_owned(),
    }
}
