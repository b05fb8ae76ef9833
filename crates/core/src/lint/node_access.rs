//! The entry by which the nodes of a role join the cluster.

use super::context::Context;
use super::facts::Cluster;
use super::finding::Findings;
use super::resolved_entry::{Part, ResolvedEntry};
use crate::arn::{Normalized, equal_fold, normalize};
use crate::authenticator::{AccessEntries, NodeRole, NodeRoles};
use crate::facts::access_entries::AccessTerms;
use crate::facts::node_inventory::Use;
use crate::facts::node_kinds::NodeKind;
use crate::shell_quote::quoted;

/// The entry by which the nodes of a role join.
pub(super) enum NodeAccess<'c, 'a> {
    /// An entry of aws-auth.
    AwsAuth(&'c ResolvedEntry<'a>),
    /// An access entry; `None` if EKS did not return its contents.
    AccessEntry(Option<&'c AccessTerms>),
    Nothing,
}

/// Returns the cluster and the roles of its nodes, if they are known.
pub(super) fn node_roles<'a>(context: &Context<'a>) -> Option<(&'a Cluster, NodeRoles<'a>)> {
    let cluster = context.facts.cluster.as_ref()?;
    Some((cluster, NodeRoles::of(&cluster.node_inventory)))
}

/// Returns the entry by which the nodes of a role join.
pub(super) fn node_access<'c, 'a>(
    context: &'c Context<'a>,
    role: &NodeRole<'_>,
) -> NodeAccess<'c, 'a> {
    let arn = sign_in_arn(role.arn);
    let entries = context.facts.access_entries.as_deref();
    if let Some(entry) = entries.and_then(|entries| entries.of(&arn)) {
        return NodeAccess::AccessEntry(entry.terms.as_ref());
    }
    if !is_aws_auth_read(context) {
        return NodeAccess::Nothing;
    }
    let in_users = || {
        let mut effective = context.effective();
        effective.find(|entry| equal_fold(entry.principal(), &arn))
    };
    match context.role_entry(&arn).or_else(in_users) {
        Some(entry) => NodeAccess::AwsAuth(entry),
        None => NodeAccess::Nothing,
    }
}

/// Reports roles whose nodes cannot join, or join as something other than a node. `filter` selects the uses of roles to
/// check.
pub(super) fn check_unmapped<'a>(
    context: &Context<'a>,
    findings: &mut Findings,
    filter: impl Fn(&Use<'a>) -> bool + Copy,
) {
    let Some((cluster, roles)) = node_roles(context) else {
        return;
    };
    for whole in roles.all() {
        let Some(role) = whole.only(filter) else {
            continue;
        };
        let arn = sign_in_arn(role.arn);
        match node_access(context, whole) {
            // N01 reports this.
            NodeAccess::Nothing if context.facts.is_absent && is_aws_auth_read(context) => {}
            NodeAccess::Nothing => {
                let message = format!(
                    "{arn}, {role}, has no entry: its nodes are rejected and become NotReady"
                );
                findings.missing_role(&arn, message, fix_command(context, cluster, whole));
            }
            NodeAccess::AccessEntry(Some(terms)) if !terms.is_for_nodes() => {
                let message = format!(
                    "the access entry of {arn}, {role}, is not for nodes (type {}) and hides its entry in aws-auth: its nodes are rejected",
                    terms.kind
                );
                let kind = whole.kind().access_entry_type();
                let flags = cluster_flags(cluster);
                let principal = quoted(role.arn);
                let help = format!(
                    "create it again with type {kind}: aws eks delete-access-entry{flags} --principal-arn {principal} && {}",
                    create_access_entry(cluster, whole)
                );
                findings.missing_role(&arn, message, help);
            }
            NodeAccess::AwsAuth(entry) if !is_node_entry(entry) => {
                let message = format!(
                    "this is {role}, but its nodes become user {}, which cannot do what a node does",
                    entry.username()
                );
                let help = fix_command(context, cluster, whole);
                findings.entry(entry, Part::Principal, message, help);
            }
            NodeAccess::AwsAuth(_) | NodeAccess::AccessEntry(_) => {}
        }
    }
}

/// Returns the command that lets the nodes of a role join.
pub(super) fn fix_command(context: &Context<'_>, cluster: &Cluster, role: &NodeRole<'_>) -> String {
    if is_aws_auth_read(context) {
        map_node_role(cluster, role.arn, role.kind())
    } else {
        create_access_entry(cluster, role)
    }
}

fn map_node_role(cluster: &Cluster, arn: &str, kind: NodeKind) -> String {
    format!(
        "awsauth map node-role {} --kind {}{}",
        quoted(&sign_in_arn(arn)),
        kind.name(),
        cluster_flags(cluster)
    )
}

fn create_access_entry(cluster: &Cluster, role: &NodeRole<'_>) -> String {
    format!(
        "aws eks create-access-entry{} --principal-arn {} --type {}",
        cluster_flags(cluster),
        quoted(role.arn),
        role.kind().access_entry_type()
    )
}

/// Returns the flags that name the cluster, for awsauth and for the AWS CLI.
pub(super) fn cluster_flags(cluster: &Cluster) -> String {
    let (name, region) = (quoted(&cluster.name), quoted(&cluster.region));
    format!(" --cluster-name {name} --region {region}")
}

/// Returns whether the cluster reads aws-auth, as far as is known.
pub(super) fn is_aws_auth_read(context: &Context<'_>) -> bool {
    let entries = context.facts.access_entries.as_deref();
    entries.is_none_or(AccessEntries::uses_aws_auth)
}

/// Returns a role's ARN without its IAM path, as the authenticator sees it.
pub(super) fn sign_in_arn(arn: &str) -> String {
    match normalize(arn) {
        Normalized::PathDropped { arn, .. } => arn,
        Normalized::AsGiven | Normalized::Session { .. } => arn.to_owned(),
    }
}

/// Returns whether an entry is intended for nodes. Other rules report what is wrong with it.
fn is_node_entry(entry: &ResolvedEntry<'_>) -> bool {
    entry.username().starts_with("system:node") || entry.has_group("system:nodes")
}
