//! How to let the nodes of a role join.

use std::collections::BTreeMap;

use super::judge::needed_types;
use super::role_report::{Fix, NodeReportInput, RoleReport, commands, map_node_role};
use super::state::{RequiredIn, State};
use crate::access_entries::Operation;
use crate::access_entries::rules::validate;
use crate::arn::{Parts, comparable};
use crate::document::edit::Edit;
use crate::facts::access_entries::{AUTO_MODE, AUTO_NODE, AccessEntry, AccessScope, AccessTerms};

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
