//! Decides whether nodes need the entry of a role.

use super::super::decision::Input;
use crate::arn::{Normalized, equal_fold, normalize};
use crate::authenticator::{AccessEntries, NodeRoles};
use crate::facts::access_entries::AccessTerms;
use crate::facts::node_inventory::NodeInventory;
use crate::plan::Known;

/// Whether nodes need the entry of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NodeNeed {
    /// Nodes use the role. Contains which ones.
    Needed(String),
    /// A node group with this role is being deleted, and EKS removes the entry with it.
    Deleting,
    /// No known node needs it.
    NotNeeded,
    /// Contains what is needed to find out.
    Unknown(String),
}

/// Returns whether nodes need the entry of a role, according to known facts.
pub(super) fn of(input: &Input<'_>, roles: &NodeRoles<'_>, arn: &str) -> NodeNeed {
    if input
        .access_entries
        .is_some_and(|entries| has_access_entry(entries, arn))
    {
        return NodeNeed::NotNeeded;
    }
    let node_inventory = match input.node_inventory {
        Known::Is(node_inventory) => node_inventory,
        Known::Unknown { needs } => return NodeNeed::Unknown(needs.clone()),
        Known::NotRequested => return NodeNeed::Unknown("facts about nodes".to_owned()),
    };
    let Some(groups) = &node_inventory.groups else {
        return NodeNeed::Unknown(
            "permission to eks:ListNodegroups and eks:DescribeNodegroup".to_owned(),
        );
    };
    let is_deleting = |status: &str| status == "DELETING" || status == "DELETE_FAILED";
    let mut deleting = groups.iter().filter(|group| is_deleting(&group.status));
    if deleting.any(|group| {
        group
            .role
            .as_deref()
            .is_some_and(|role| equal_fold(&signs_in_with(role), arn))
    }) {
        return NodeNeed::Deleting;
    }
    match roles.get(arn) {
        Some(role) => NodeNeed::Needed(format!("it is {role}")),
        None => not_needed_unless_unknown(node_inventory),
    }
}

fn not_needed_unless_unknown(node_inventory: &NodeInventory) -> NodeNeed {
    if node_inventory.profiles.is_none() {
        return NodeNeed::Unknown(
            "permission to eks:ListFargateProfiles and eks:DescribeFargateProfile".to_owned(),
        );
    }
    if node_inventory.classes.is_none() {
        return NodeNeed::Unknown("permission to list ec2nodeclasses.karpenter.k8s.aws".to_owned());
    }
    NodeNeed::NotNeeded
}

/// Returns whether nodes with this role sign in with an access entry.
fn has_access_entry(entries: &AccessEntries, arn: &str) -> bool {
    let terms = entries.of(arn).and_then(|entry| entry.terms.as_ref());
    terms.is_some_and(AccessTerms::is_for_nodes)
}

/// Returns a role's ARN as its nodes use it.
pub(super) fn signs_in_with(arn: &str) -> String {
    match normalize(arn) {
        Normalized::PathDropped { arn, .. } => arn,
        Normalized::AsGiven | Normalized::Session { .. } => arn.to_owned(),
    }
}
