//! Roles that nodes sign in with, and what lets them in.

use super::cluster::Cluster;
use super::context::{Context, Written};
use super::found::Found;
use crate::arn::{Mended, equal_fold, mend};
use crate::effect::{AccessEntries, InUse, NodeRoles};
use crate::facts::access_entries::AccessTerms;
use crate::facts::fleet::Use;
use crate::facts::node_kinds::NodeKind;
use crate::shell::quoted;

/// What lets the nodes of a role in.
pub(super) enum Door<'c, 'a> {
    /// This entry of aws-auth.
    Entry(&'c Written<'a>),
    /// Its access entry; `None` where EKS does not tell what that says.
    AccessEntry(Option<&'c AccessTerms>),
    /// Nothing.
    Nothing,
}

/// The cluster and its nodes' roles, where they are known.
pub(super) fn roles<'a>(context: &Context<'a>) -> Option<(&'a Cluster, NodeRoles<'a>)> {
    let cluster = context.facts.cluster.as_ref()?;
    Some((cluster, NodeRoles::of(&cluster.fleet)))
}

/// What lets its nodes in.
pub(super) fn door<'c, 'a>(context: &'c Context<'a>, role: &InUse<'_>) -> Door<'c, 'a> {
    let arn = signs_in_with(role.arn);
    let entries = context.facts.access_entries.as_deref();
    if let Some(entry) = entries.and_then(|entries| entries.of(&arn)) {
        return Door::AccessEntry(entry.terms.as_ref());
    }
    let counts = entries.is_none_or(AccessEntries::aws_auth_counts);
    let written = || {
        let in_users = || {
            let mut users = context.in_force();
            users.find(|written| equal_fold(written.principal(), &arn))
        };
        context.role(&arn).or_else(in_users)
    };
    match counts.then(written).flatten() {
        Some(written) => Door::Entry(written),
        None => Door::Nothing,
    }
}

/// What is wrong where nothing lets nodes in, or lets them in as something else. `wanted` says whose nodes it is about.
pub(super) fn check_unmapped<'a>(
    context: &Context<'a>,
    found: &mut Found,
    wanted: impl Fn(&Use<'a>) -> bool + Copy,
) {
    let Some((cluster, roles)) = roles(context) else {
        return;
    };
    for all in roles.all() {
        let Some(role) = all.only(wanted) else {
            continue;
        };
        match door(context, all) {
            // That is N01's.
            Door::Nothing if context.facts.is_absent && aws_auth_counts(context) => {}
            Door::Nothing => {
                let arn = signs_in_with(role.arn);
                let message = format!(
                    "nothing lets in {arn}, {role}: its nodes are refused, and go NotReady"
                );
                found.missing(&arn, message, mending(context, cluster, all));
            }
            Door::AccessEntry(Some(terms)) if !terms.is_for_nodes() => {
                let arn = signs_in_with(role.arn);
                let message = format!(
                    "the access entry of {arn}, {role}, is not for nodes (type {}), and hides what aws-auth has for it: its nodes are refused",
                    terms.kind
                );
                let kind = all.kind().access_entry_type();
                let flags = flags(cluster);
                let principal = quoted(role.arn);
                let help = format!(
                    "make it anew with the type {kind}: aws eks delete-access-entry{flags} --principal-arn {principal} && {}",
                    mending_by_access_entry(cluster, all)
                );
                found.missing(&arn, message, help);
            }
            Door::Entry(written) if !is_meant_for_nodes(written) => {
                let username = &written.mapping.username;
                let message = format!(
                    "this is {role}, whose nodes become user {username}: they are refused what nodes do"
                );
                let help = mending(context, cluster, all);
                found.entry(written, written.principal_span(), message, help);
            }
            Door::Entry(_) | Door::AccessEntry(_) => {}
        }
    }
}

/// The command that lets its nodes in.
pub(super) fn mending(context: &Context<'_>, cluster: &Cluster, role: &InUse<'_>) -> String {
    match aws_auth_counts(context) {
        true => mapping(cluster, role.arn, role.kind()),
        false => mending_by_access_entry(cluster, role),
    }
}

/// The command that maps this role for nodes of a kind.
fn mapping(cluster: &Cluster, arn: &str, kind: NodeKind) -> String {
    format!(
        "awsauth map node-role {} --kind {}{}",
        quoted(&signs_in_with(arn)),
        kind.name(),
        flags(cluster)
    )
}

fn mending_by_access_entry(cluster: &Cluster, role: &InUse<'_>) -> String {
    format!(
        "aws eks create-access-entry{} --principal-arn {} --type {}",
        flags(cluster),
        quoted(role.arn),
        role.kind().access_entry_type()
    )
}

/// The flags that name the cluster, for our commands and those of the aws CLI.
fn flags(cluster: &Cluster) -> String {
    let (name, region) = (quoted(&cluster.name), quoted(&cluster.region));
    format!(" --cluster-name {name} --region {region}")
}

/// Whether anybody reads aws-auth.
pub(super) fn aws_auth_counts(context: &Context<'_>) -> bool {
    let entries = context.facts.access_entries.as_deref();
    entries.is_none_or(AccessEntries::aws_auth_counts)
}

/// A role's ARN as its nodes have it, without its IAM path.
pub(super) fn signs_in_with(arn: &str) -> String {
    match mend(arn) {
        Mended::PathDropped { arn, .. } => arn,
        Mended::AsGiven | Mended::Session { .. } => arn.to_owned(),
    }
}

/// Whether it is meant for nodes; what is wrong with it then is for other rules.
fn is_meant_for_nodes(written: &Written<'_>) -> bool {
    let mapping = written.mapping;
    mapping.username.starts_with("system:node")
        || mapping.groups().iter().any(|group| group == "system:nodes")
}
