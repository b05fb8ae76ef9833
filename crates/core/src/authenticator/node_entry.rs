//! Node entries, which nodes sign in with, and what a change removes from them.

use std::collections::{HashMap, HashSet};

use super::{CommonFields, Placeholder, Slot, Store};
use crate::arn::{can_match, fold};
use crate::document::{Document, Mapping, SectionName};
use crate::facts::groups::OF_NODES;
use crate::facts::node_kinds::NodeKind;

/// The prefix of every node's username; the API server treats no other user as a node:
/// <https://kubernetes.io/docs/reference/access-authn-authz/node/>
const NODE: &str = "system:node:";

/// A node entry that a change removes or reduces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostNodes {
    /// The role whose nodes sign in with it, as written before.
    pub arn: String,
    /// Its section before the change.
    pub section: SectionName,
    pub loss: Loss,
}

/// How a node entry was reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It was removed.
    Entry,
    /// It has another username or fewer groups.
    Terms,
}

/// Returns whether this is a mapping for nodes.
pub fn is_node(mapping: &Mapping) -> bool {
    mapping.username.starts_with(NODE) || has_groups(mapping)
}

/// Returns the node entries in force whose ARN can match, each with its ARN.
pub fn node_entries<'s, 'd>(
    store: &'s Store<'d>,
) -> impl Iterator<Item = (&'d str, &'s Slot<'d>)> + use<'s, 'd> {
    let in_force = store.in_force();
    in_force.filter(|(arn, slot)| is_node(slot.mapping) && can_match(arn))
}

/// Returns whether the document has a node entry in force.
pub fn has_node_entry(document: &Document) -> bool {
    node_entries(&Store::new(document)).next().is_some()
}

/// Returns the node entries of `before` that `after` does not have or that have other terms there.
pub(crate) fn lost_nodes(before: &Store<'_>, after: &Store<'_>) -> Vec<LostNodes> {
    let entries: Vec<_> = node_entries(before)
        .map(|(arn, slot)| (fold(arn), arn, slot))
        .collect();
    let keys: HashSet<&str> = entries.iter().map(|(key, ..)| &**key).collect();
    let mut left: HashMap<&str, NodeTerms<'_>> = HashMap::new();
    for (arn, slot) in after.in_force() {
        if let Some(key) = keys.get(&*fold(arn)) {
            left.entry(key).or_default().add(slot.mapping);
        }
    }
    let lost = entries.iter().filter_map(|(key, arn, slot)| {
        let loss = match left.get(&**key) {
            None => Loss::Entry,
            Some(left) if left.keep(slot.mapping) => return None,
            Some(_) => Loss::Terms,
        };
        Some(LostNodes {
            arn: (*arn).to_owned(),
            section: slot.place.section,
            loss,
        })
    });
    lost.collect()
}

/// The terms of the entries of one role after a change. Usually it has one entry.
#[derive(Default)]
struct NodeTerms<'d> {
    all: Option<CommonFields<'d>>,
    /// The terms of the entries with which nodes may not work.
    incomplete: Option<CommonFields<'d>>,
}

impl<'d> NodeTerms<'d> {
    fn add(&mut self, mapping: &'d Mapping) {
        let add = |terms: &mut Option<CommonFields<'d>>| match terms {
            Some(terms) => terms.add(mapping),
            None => *terms = Some(CommonFields::of(mapping)),
        };
        add(&mut self.all);
        if !is_whole(mapping) {
            add(&mut self.incomplete);
        }
    }

    /// Returns whether nodes keep working: the username is the same and no group is removed, or the entry did not work before and
    /// works now.
    fn keep(&self, before: &Mapping) -> bool {
        let terms = match can_work(before) {
            true => &self.all,
            false => &self.incomplete,
        };
        terms.as_ref().is_none_or(|terms| terms.include(before))
    }
}

/// Returns whether a node could work with this mapping: its username is that of a node without unknown placeholders, and it is in the group
/// that the API server requires.
fn can_work(mapping: &Mapping) -> bool {
    let mut name = mapping.username.clone();
    for placeholder in Placeholder::ALL {
        name = name.replace(placeholder.text(), "x");
    }
    let is_named = name
        .strip_prefix(NODE)
        .is_some_and(|name| !name.is_empty() && !name.contains(['{', '}']));
    is_named && mapping.groups().iter().any(|group| group == OF_NODES[1])
}

/// Returns whether it has the username and groups of a kind of nodes.
fn is_whole(mapping: &Mapping) -> bool {
    let mut kinds = NodeKind::ALL.iter();
    kinds.any(|kind| kind.username() == mapping.username) && has_groups(mapping)
}

fn has_groups(mapping: &Mapping) -> bool {
    let has = |name: &str| mapping.groups().iter().any(|group| group == name);
    OF_NODES.into_iter().all(has)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticator::test_documents::store;
    use crate::document::{Principal, Status};

    const EC2: &str = "system:node:{{EC2PrivateDNSName}}";
    const BOTH: &[&str] = &["system:bootstrappers", "system:nodes"];

    fn entry(name: &str, username: &str, groups: &[&str]) -> Vec<(SectionName, Status)> {
        let mapping = Mapping {
            principal: Principal::Role(format!("arn:aws:iam::111122223333:role/{name}")),
            username: username.to_owned(),
            groups: Some(groups.iter().map(|&group| group.to_owned()).collect()),
        };
        vec![(SectionName::Roles, Status::Kept(mapping))]
    }

    fn lost(before: &[(SectionName, Status)], after: &[(SectionName, Status)]) -> Option<Loss> {
        let lost = lost_nodes(&store(before), &store(after));
        lost.first().map(|lost| lost.loss)
    }

    #[test]
    fn removed_or_reduced_node_entry_is_lost() {
        let nodes = entry("nodes", EC2, BOTH);
        assert_eq!(lost(&nodes, &[]), Some(Loss::Entry));
        for (name, username, groups, loss) in [
            (
                "NODES",
                EC2,
                &["system:nodes", "system:bootstrappers", "x"][..],
                None,
            ),
            ("nodes", EC2, &["x"], Some(Loss::Terms)),
            (
                "nodes",
                "system:node:{{SessionName}}",
                BOTH,
                Some(Loss::Terms),
            ),
            ("other", EC2, BOTH, Some(Loss::Entry)),
        ] {
            assert_eq!(
                lost(&nodes, &entry(name, username, groups)),
                loss,
                "{name} {username}"
            );
        }
    }

    #[test]
    fn entry_that_matches_no_caller_is_not_lost() {
        assert_eq!(
            lost(&entry("team/nodes", EC2, BOTH), &entry("nodes", EC2, BOTH)),
            None
        );
        assert_eq!(lost(&entry("team/nodes", EC2, BOTH), &[]), None);
    }

    #[test]
    fn broken_node_entry_may_be_fixed() {
        let whole = entry("nodes", EC2, BOTH);
        for (username, groups, loss) in [
            ("{{EC2PrivateDNSname}}", BOTH, None),
            ("system:node:{{EC2PrivateDNSname}}", BOTH, None),
            ("system:node:", BOTH, None),
            ("system:node:{{SessionName}}", &["x"][..], None),
            (
                "system:node:{{SessionName}}",
                &["system:nodes"],
                Some(Loss::Terms),
            ),
            ("system:node:one", BOTH, Some(Loss::Terms)),
        ] {
            let before = entry("nodes", username, groups);
            assert_eq!(lost(&before, &whole), loss, "{username}");
            // Removing it, or replacing it with another broken entry, is still a loss.
            assert_eq!(lost(&before, &[]), Some(Loss::Entry), "{username}");
            assert_eq!(
                lost(&before, &entry("nodes", "dev", BOTH)),
                Some(Loss::Terms)
            );
        }
    }
}
