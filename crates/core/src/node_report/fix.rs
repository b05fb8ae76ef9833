//! How to let the nodes of a role join.

use std::collections::BTreeMap;

use super::report::{NodeReportInput, RoleReport};
use super::state::{RequiredIn, State, needed_types};
use crate::access_entries::Operation;
use crate::access_entries::rules::validate;
use crate::arn::{Parts, comparable};
use crate::document::edit::Edit;
use crate::facts::access_entries::{AUTO_MODE, AUTO_NODE, AccessEntry, AccessScope, AccessTerms};
use crate::shell_quote::quoted;

/// The name of a cluster in commands, if it is unknown.
const UNKNOWN_CLUSTER: &str = "CLUSTER";

/// How to fix the state of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Add an entry to aws-auth.
    AwsAuth(Edit),
    /// Change the access entry, without taking access from a node that has it.
    AccessEntry(Vec<Operation>),
    /// What the user must decide or do, as the object of "to fix it:".
    Advice(String),
}

impl Fix {
    /// Returns the commands that carry it out, or the advice.
    pub fn text(&self, role: &RoleReport<'_>, cluster: Option<&str>) -> String {
        match self {
            Self::AwsAuth(_) => map_node_role(role, cluster),
            Self::AccessEntry(operations) => commands(operations, cluster),
            Self::Advice(text) => text.clone(),
        }
    }
}

fn map_node_role(role: &RoleReport<'_>, cluster: Option<&str>) -> String {
    let arn = quoted(&comparable(&role.arn));
    let kind = role.role.kind().name();
    let cluster = cluster.map(|name| format!(" --cluster-name {}", quoted(name)));
    let cluster = cluster.unwrap_or_default();
    format!("awsauth map node-role {arn} --kind {kind}{cluster}")
}

fn commands(operations: &[Operation], cluster: Option<&str>) -> String {
    let cluster = cluster.unwrap_or(UNKNOWN_CLUSTER);
    let commands = operations.iter().map(|one| one.command(cluster));
    commands.collect::<Vec<_>>().join(" && ")
}

/// Decides how to fix the state of a role; `None` if nothing is wrong or the state is unknown.
pub(super) fn fix(report: &RoleReport<'_>, input: &NodeReportInput<'_>) -> Option<Fix> {
    let one_role_each = || Fix::Advice("give each kind of nodes a role of its own".to_owned());
    Some(match &report.state {
        State::Mapped | State::Unknown { .. } => return None,
        State::Missing { .. } => missing(report, input),
        State::WrongTerms { .. } => Fix::Advice(map_node_role(report, input.cluster)),
        State::WrongType { .. } => match replacement(report, input) {
            Some(operations) => Fix::Advice(format!(
                "create the access entry again; in between, its nodes have no access: {}",
                commands(&operations, input.cluster)
            )),
            None => one_role_each(),
        },
        State::DeadEntry => match replacement(report, input) {
            Some(operations) => Fix::AccessEntry(operations),
            None => one_role_each(),
        },
        State::SeveralTypes { .. } => one_role_each(),
        State::MissingPolicy => Fix::AccessEntry(vec![auto_node_policy(report)]),
        State::NoSuchRole => Fix::Advice(format!(
            "create the role again, or delete what names it: {}",
            report.role.used_by()
        )),
    })
}

fn missing(report: &RoleReport<'_>, input: &NodeReportInput<'_>) -> Fix {
    let in_aws_auth = || {
        let arn = comparable(&report.arn);
        Fix::AwsAuth(Edit::map_nodes(arn, report.role.kind()))
    };
    match report.required_in {
        RequiredIn::AwsAuth | RequiredIn::Unknown => in_aws_auth(),
        RequiredIn::AnotherMode => {
            Fix::Advice("let the cluster read access entries: awsauth migrate --apply".to_owned())
        }
        RequiredIn::AccessEntry => match creation(report, input) {
            Some(operations) => Fix::AccessEntry(operations),
            None => Fix::Advice(
                "give each kind of nodes a role of its own in the cluster's account".to_owned(),
            ),
        },
        RequiredIn::AwsAuthOrAccessEntry => match creation(report, input) {
            Some(operations) => Fix::AccessEntry(operations),
            None => in_aws_auth(),
        },
    }
}

/// Returns the operations that replace an access entry.
fn replacement(report: &RoleReport<'_>, input: &NodeReportInput<'_>) -> Option<Vec<Operation>> {
    let principal_arn = report.access_entry?.principal_arn.clone();
    let creation = creation(report, input)?;
    let delete = Operation::DeleteEntry { principal_arn };
    Some(std::iter::once(delete).chain(creation).collect())
}

/// Returns the operations that create the access entry; `None` if EKS accepts none for these nodes.
fn creation(report: &RoleReport<'_>, input: &NodeReportInput<'_>) -> Option<Vec<Operation>> {
    let needed = needed_types(&report.role);
    let [kind] = needed.as_slice() else {
        return None;
    };
    let entry = AccessEntry {
        principal_arn: report.arn.clone(),
        terms: Some(AccessTerms {
            kind: (*kind).to_owned(),
            ..AccessTerms::default()
        }),
    };
    if !validate(&entry, input.cluster_arn).is_empty() {
        return None;
    }
    let create = Operation::CreateEntry {
        principal_arn: entry.principal_arn,
        kind: (*kind).to_owned(),
        username: None,
        groups: Vec::new(),
        tags: BTreeMap::new(),
    };
    let policy = (*kind == AUTO_MODE).then(|| auto_node_policy(report));
    Some(std::iter::once(create).chain(policy).collect())
}

fn auto_node_policy(report: &RoleReport<'_>) -> Operation {
    let partition = Parts::of(&report.arn).map_or("aws", |parts| parts.partition);
    let entry = report.access_entry;
    Operation::AssociatePolicy {
        principal_arn: entry
            .map_or(&report.arn, |entry| &entry.principal_arn)
            .clone(),
        policy_arn: format!("arn:{partition}:eks::aws:cluster-access-policy/{AUTO_NODE}"),
        scope: AccessScope::Cluster,
    }
}
