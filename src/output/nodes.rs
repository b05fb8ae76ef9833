//! The roles of nodes: a table with details, and JSON.

mod json;

pub(crate) use json::nodes_json;

use std::fmt::Write;

use anstyle::Style;

use super::style::{FAINT, GAIN, HEADING, LOSS, NOTICE, PLACE, paint};
use super::table::{Cell, Table};
use crate::backend::Unread;
use awsauth_core::arn::Parts;
use awsauth_core::escape::one_line;
use awsauth_core::node_report::{NodeReport, RequiredIn, RoleReport, State, UnknownRole};

/// What was read about the nodes of a cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodesRead<'a> {
    pub(crate) report: &'a NodeReport<'a>,
    /// The name in EKS; `None` if EKS was not asked.
    pub(crate) cluster: Option<&'a str>,
    pub(crate) mode: Option<&'static str>,
    /// Further nodes whose role is unknown.
    pub(crate) unknown: &'a [UnknownRole],
    pub(crate) unread: &'a [Unread],
}

/// What is missing without EKS.
const NOT_ASKED: &str = "EKS, EC2, Auto Scaling and IAM were not asked: node groups, Fargate profiles, instances that have not joined, Auto Scaling groups and access entries are missing. Name the cluster: --cluster-name NAME";

/// Formats the roles, styled: a table that fits `width` columns, what is wrong, what is unknown, and a summary.
pub(crate) fn nodes_text(read: &NodesRead<'_>, width: Option<usize>) -> String {
    let report = read.report;
    let mut text = String::new();
    if !report.roles.is_empty() {
        let headings = vec![
            "ROLE",
            "USED BY",
            "JOINED",
            "MAPPED IN",
            "MUST BE IN",
            "STATE",
        ];
        let mut table = Table::new(headings, 1);
        for role in &report.roles {
            table.row(vec![
                Cell::new(&short(&role.arn)),
                Cell::new(&role.role.used_by().to_string()),
                Cell::new(&joined(role)),
                Cell::new(&mapped_in(role)),
                Cell::new(&role.required_in.to_string()),
                Cell::styled(role.state.word(), style(&role.state)),
            ]);
        }
        text.push_str(&table.render(width));
    }
    for role in report
        .roles
        .iter()
        .filter(|role| role.state != State::Mapped)
    {
        let name = paint(PLACE, &one_line(&role.arn));
        let state = paint(style(&role.state), role.state.word());
        let _ = writeln!(text, "\n{name}: {state}");
        let _ = writeln!(text, "  {}", one_line(&role.state.to_string()));
        if role.is_known_by_tags_only() {
            let _ = writeln!(text, "  only a tag connects its instances with the cluster");
        }
        if let Some(fix) = &role.fix {
            let fix = fix.text(role, read.cluster);
            let _ = writeln!(text, "  to fix it: {}", one_line(&fix));
        }
    }
    let unknown = report.unknown.iter().chain(read.unknown);
    let unknown = unknown.map(|one| format!("{}: {}", one.nodes, one.why));
    list(&mut text, "Nodes whose role is unknown", unknown);
    let unused = report.unused.iter().map(|entry| {
        let place = match (entry.place, entry.kind) {
            (Some(place), _) => format!("line {} of {}", place.line, place.section.key()),
            (None, kind) => format!("access entry of type {}", kind.unwrap_or_default()),
        };
        let hybrid = match entry.fits_hybrid_nodes {
            true => ", unless it is that of hybrid nodes",
            false => "",
        };
        format!("{}: {place}{hybrid}", entry.arn)
    });
    list(&mut text, "Node entries that no known node uses", unused);
    let not_asked = read.cluster.is_none().then(|| NOT_ASKED.to_owned());
    let unread = read
        .unread
        .iter()
        .flat_map(|one| [one.message.clone(), format!("hint: {}", one.hint)]);
    list(&mut text, "Not read", not_asked.into_iter().chain(unread));
    let _ = writeln!(
        text,
        "{}{}",
        if text.is_empty() { "" } else { "\n" },
        summary(report)
    );
    text
}

fn list(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let gap = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{gap}{}", paint(HEADING, &format!("{heading}:")));
    for line in lines {
        let _ = writeln!(text, "  {}", one_line(&line));
    }
}

/// Names a role with its path and account.
fn short(arn: &str) -> String {
    let resource = arn.splitn(6, ':').nth(5);
    match (Parts::of(arn), resource) {
        (Some(parts), Some(resource)) => format!("{resource} ({})", parts.account),
        _ => arn.to_owned(),
    }
}

/// Counts the instances that are nodes of the cluster.
fn joined(role: &RoleReport<'_>) -> String {
    match role.instances {
        0 => "-".to_owned(),
        instances => format!("{} of {instances}", role.joined),
    }
}

fn mapped_in(role: &RoleReport<'_>) -> String {
    let line = role.aws_auth.map(|(place, _)| place.line);
    let kind = role.access_entry.map(|entry| match &entry.terms {
        Some(terms) => format!("access entry {}", terms.kind),
        None => "access entry".to_owned(),
    });
    match (kind, line) {
        (None, None) => "-".to_owned(),
        (None, Some(line)) => format!("aws-auth line {line}"),
        (Some(kind), None) => kind,
        (Some(kind), Some(line)) => format!("{kind}, which hides line {line} of aws-auth"),
    }
}

fn style(state: &State) -> Style {
    match state {
        State::Mapped => GAIN,
        State::Unknown { .. } => FAINT,
        State::SeveralTypes { .. } => NOTICE,
        _ => LOSS,
    }
}

fn summary(report: &NodeReport<'_>) -> String {
    let all = report.roles.len();
    let count = |of: fn(&State) -> bool| report.roles.iter().filter(|role| of(&role.state)).count();
    let noun = if all == 1 { "role" } else { "roles" };
    let mut line = match all {
        0 => "No role of nodes is known".to_owned(),
        all => format!(
            "The nodes of {} of {all} {noun} can join",
            count(|state| *state == State::Mapped)
        ),
    };
    let problems = count(State::is_problem);
    if problems > 0 {
        let _ = write!(line, ", {problems} cannot");
    }
    let unknown = count(|state| matches!(state, State::Unknown { .. }));
    if unknown > 0 {
        let _ = write!(line, ", {unknown} unknown");
    }
    line.push('.');
    line
}

/// Returns the name of a place in JSON; `None` if it is unknown.
fn required_name(required: RequiredIn) -> Option<&'static str> {
    Some(match required {
        RequiredIn::AwsAuth => "awsAuth",
        RequiredIn::AccessEntry => "accessEntry",
        RequiredIn::AwsAuthOrAccessEntry => "awsAuthOrAccessEntry",
        RequiredIn::AnotherMode => "anotherMode",
        RequiredIn::Unknown => return None,
    })
}
