//! Whether nodes need an entry, according to known facts.

use super::super::types::View;
use crate::arn::{Normalized, equal_fold, normalize};
use crate::authenticator::{AccessEntries, NodeRoles};
use crate::facts::access_entries::AccessTerms;
use crate::facts::node_inventory::NodeInventory;
use crate::plan::Known;

/// Whether nodes need the entry of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// They need it; which nodes use the role.
    Needed(String),
    /// A node group with this role is being deleted, and EKS removes the entry with it.
    Deleting,
    /// No known node needs it.
    NotNeeded,
    /// Unknown; what is needed to find out.
    Unknown(String),
}

/// Returns whether nodes need the entry of a role, according to known facts.
pub(super) fn need(view: &View<'_>, roles: &NodeRoles<'_>, arn: &str) -> Need {
    if view
        .access_entries
        .is_some_and(|entries| has_own(entries, arn))
    {
        return Need::NotNeeded;
    }
    let node_inventory = match view.node_inventory {
        Known::Is(node_inventory) => node_inventory,
        Known::Unknown { needs } => return Need::Unknown(needs.clone()),
        Known::NotRequested => return Need::Unknown("facts about nodes".to_owned()),
    };
    let Some(groups) = &node_inventory.groups else {
        return Need::Unknown(
            "permission to eks:ListNodegroups and eks:DescribeNodegroup".to_owned(),
        );
    };
    let is_going = |status: &str| status == "DELETING" || status == "DELETE_FAILED";
    let mut going = groups.iter().filter(|group| is_going(&group.status));
    if going.any(|group| {
        group
            .role
            .as_deref()
            .is_some_and(|role| equal_fold(&signs_in_with(role), arn))
    }) {
        return Need::Deleting;
    }
    match roles.get(arn) {
        Some(role) => Need::Needed(format!("it is {role}")),
        None => unless_unknown(node_inventory),
    }
}

fn unless_unknown(node_inventory: &NodeInventory) -> Need {
    if node_inventory.profiles.is_none() {
        return Need::Unknown(
            "permission to eks:ListFargateProfiles and eks:DescribeFargateProfile".to_owned(),
        );
    }
    if node_inventory.classes.is_none() {
        return Need::Unknown("permission to list ec2nodeclasses.karpenter.k8s.aws".to_owned());
    }
    Need::NotNeeded
}

/// Returns whether its nodes sign in with an access entry.
fn has_own(entries: &AccessEntries, arn: &str) -> bool {
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
