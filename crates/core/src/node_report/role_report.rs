//! A role of nodes in the report, and what the report depends on.

use super::state::{RequiredIn, State};
use crate::access_entries::Operation;
use crate::arn::comparable;
use crate::authenticator::{AccessEntries, NodeRole, Place};
use crate::document::edit::Edit;
use crate::document::{Document, Mapping};
use crate::facts::access_entries::AccessEntry;
use crate::facts::iam_inventory::Principals;
use crate::facts::node_inventory::{JoinedNode, NodeInventory, NodeSource};
use crate::shell_quote::quoted;

/// The name of a cluster in commands, if it is unknown.
const UNKNOWN_CLUSTER: &str = "CLUSTER";

/// What the report depends on, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct NodeReportInput<'a> {
    pub document: &'a Document,
    /// The access entries with the authentication mode; `None` if the mode is unknown.
    pub access_entries: Option<&'a AccessEntries>,
    /// The name in commands.
    pub cluster: Option<&'a str>,
    pub cluster_arn: Option<&'a str>,
    pub node_inventory: &'a NodeInventory,
    /// The Nodes of Kubernetes; `None` if they could not be read.
    pub nodes: Option<&'a [JoinedNode]>,
    /// The roles of the cluster's account; `None` if IAM returned nothing.
    pub principals: Option<&'a Principals>,
}

/// A role of nodes.
#[derive(Clone, Debug)]
pub struct RoleReport<'a> {
    pub role: NodeRole<'a>,
    /// Its ARN, with its IAM path if that is known.
    pub arn: String,
    /// The number of known EC2 instances with this role.
    pub instances: usize,
    /// The number of these instances that are nodes of the cluster.
    pub joined: usize,
    /// The entry of aws-auth in force.
    pub aws_auth: Option<(Place, &'a Mapping)>,
    pub access_entry: Option<&'a AccessEntry>,
    pub required_in: RequiredIn,
    pub state: State,
    /// Whether IAM did not return the role, so that its access entry may be older than the role.
    pub is_age_unknown: bool,
    /// How to fix the state; `None` if nothing is wrong or the state is unknown.
    pub fix: Option<Fix>,
}

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

/// Returns the command that writes the entry of the role's nodes.
pub(super) fn map_node_role(role: &RoleReport<'_>, cluster: Option<&str>) -> String {
    let arn = quoted(&comparable(&role.arn));
    let kind = role.role.kind().name();
    let cluster = cluster.map(|name| format!(" --cluster-name {}", quoted(name)));
    let cluster = cluster.unwrap_or_default();
    format!("awsauth map node-role {arn} --kind {kind}{cluster}")
}

/// Returns the AWS CLI commands for these operations.
pub(super) fn commands(operations: &[Operation], cluster: Option<&str>) -> String {
    let cluster = cluster.unwrap_or(UNKNOWN_CLUSTER);
    let commands = operations.iter().map(|one| one.command(cluster));
    commands.collect::<Vec<_>>().join(" && ")
}

impl RoleReport<'_> {
    /// Returns whether only tags connect the role with the cluster. Anyone who may tag or launch instances in the account can set
    /// these. EKS, node classes and instances that have joined are evidence that the role is of this cluster's nodes.
    pub fn is_known_by_tags_only(&self) -> bool {
        let mut sources = self.role.uses.iter().map(|one| one.by);
        self.joined == 0
            && sources.all(|by| matches!(by, NodeSource::Instance(_) | NodeSource::ScalingGroup(_)))
    }
}
