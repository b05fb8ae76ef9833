//! Whether nodes need an entry, as far as facts tell.

use super::super::view::View;
use crate::arn::{Mended, equal_fold, mend};
use crate::effect::{AccessEntries, NodeRoles};
use crate::facts::access_entries::AccessTerms;
use crate::facts::fleet::Fleet;
use crate::plan::Known;

/// Whether nodes need the entry of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// They do: whose role it is.
    Needed(String),
    /// A node group with this role is being deleted, and EKS with it the entry.
    Deleting,
    /// None that is known does.
    NotNeeded,
    /// It would take this to know.
    Unknown(String),
}

/// Whether nodes need the entry of a role, as far as facts tell.
pub(super) fn need(view: &View<'_>, roles: &NodeRoles<'_>, arn: &str) -> Need {
    if view
        .access_entries
        .is_some_and(|entries| has_own(entries, arn))
    {
        return Need::NotNeeded;
    }
    let fleet = match view.fleet {
        Known::Is(fleet) => fleet,
        Known::Unknown { needs } => return Need::Unknown(needs.clone()),
        Known::NotAsked => return Need::Unknown("facts about nodes".to_owned()),
    };
    let Some(groups) = &fleet.groups else {
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
        None => unless_unknown(fleet),
    }
}

fn unless_unknown(fleet: &Fleet) -> Need {
    if fleet.profiles.is_none() {
        return Need::Unknown(
            "permission to eks:ListFargateProfiles and eks:DescribeFargateProfile".to_owned(),
        );
    }
    if fleet.classes.is_none() {
        return Need::Unknown("permission to list ec2nodeclasses.karpenter.k8s.aws".to_owned());
    }
    Need::NotNeeded
}

/// Whether its nodes sign in with an access entry.
fn has_own(entries: &AccessEntries, arn: &str) -> bool {
    let terms = entries.of(arn).and_then(|entry| entry.terms.as_ref());
    terms.is_some_and(AccessTerms::is_for_nodes)
}

/// A role's ARN as its nodes have it.
pub(super) fn signs_in_with(arn: &str) -> String {
    match mend(arn) {
        Mended::PathDropped { arn, .. } => arn,
        Mended::AsGiven | Mended::Session { .. } => arn.to_owned(),
    }
}
