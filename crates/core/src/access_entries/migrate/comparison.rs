//! Compares an existing access entry with a mapping of aws-auth.

use std::collections::HashSet;

use super::input::Masters;
use super::node_target::group_differences;
use super::standard_target::{Access, admin_differences};
use crate::authenticator::template;
use crate::document::Mapping;
use crate::facts::access_entries::{AccessEntry, AccessTerms};
use crate::facts::node_kinds::NodeKind;

/// How the access through an existing access entry differs from the access through aws-auth.
pub(super) struct Comparison {
    /// The differences that keep the permissions.
    pub(super) other_way: Vec<String>,
    pub(super) changes: Vec<String>,
}

/// Compares an entry with the mapping of its principal. Both ways to replace `system:masters` are accepted.
pub(super) fn compare(mapping: &Mapping, entry: &AccessEntry, masters: &Masters) -> Comparison {
    let Some(terms) = &entry.terms else {
        return Comparison {
            other_way: Vec::new(),
            changes: vec!["the contents of the access entry could not be read".to_owned()],
        };
    };
    match terms.is_for_nodes() {
        true => of_nodes(mapping, entry, terms),
        false => of_users(mapping, entry, terms, masters),
    }
}

fn of_nodes(mapping: &Mapping, entry: &AccessEntry, terms: &AccessTerms) -> Comparison {
    let username = template(entry, terms).username;
    let mut kinds = NodeKind::ALL.into_iter();
    let kind = kinds.find(|kind| kind.access_entry_type() == terms.kind);
    let (other_way, mut changes) = match kind {
        Some(kind) => group_differences(mapping, kind),
        // The nodes of Auto Mode and HyperPod, whose groups EKS does not document.
        None => (
            Vec::new(),
            vec![format!("the type of the access entry is {}", terms.kind)],
        ),
    };
    if mapping.username != username {
        changes.push(username_difference(&mapping.username, &username));
    }
    Comparison { other_way, changes }
}

fn of_users(
    mapping: &Mapping,
    entry: &AccessEntry,
    terms: &AccessTerms,
    masters: &Masters,
) -> Comparison {
    let Access { user, is_admin } = Access::of(mapping, &entry.principal_arn);
    let (mut other_way, mut changes) = (Vec::new(), Vec::new());
    let username = template(entry, terms).username;
    if user.username != username {
        changes.push(username_difference(&user.username, &username));
    }
    let mut given = terms.groups.clone();
    if is_admin {
        let has_policy = terms
            .policies()
            .iter()
            .any(|policy| policy.is_cluster_admin());
        let by = match masters {
            _ if has_policy => Some(Masters::Policy),
            Masters::Group(group) if given.contains(group) => Some(masters.clone()),
            Masters::Group(_) | Masters::Policy => None,
        };
        match by {
            Some(by) => other_way = admin_differences(&by),
            None if terms.policies.is_none() => {
                changes
                    .push("the access policies of the access entry could not be read".to_owned());
            }
            None => changes.push(
                "the access entry does not give the permissions of system:masters".to_owned(),
            ),
        }
        if let Masters::Group(group) = masters
            && !user.groups.contains(group)
        {
            given.retain(|given| given != group);
        }
    }
    let missing = without(&user.groups, &given);
    if !missing.is_empty() {
        changes.push(format!("only aws-auth gives the groups {missing}"));
    }
    let further = without(&given, &user.groups);
    if !further.is_empty() {
        changes.push(format!("only the access entry gives the groups {further}"));
    }
    let further = terms.policies().iter();
    let further = further.filter(|policy| !(is_admin && policy.is_cluster_admin()));
    changes.extend(further.map(|policy| {
        format!(
            "the access entry has the access policy {} {}",
            policy.name(),
            policy.scope
        )
    }));
    Comparison { other_way, changes }
}

fn username_difference(in_aws_auth: &str, in_entry: &str) -> String {
    let in_aws_auth = if in_aws_auth.is_empty() {
        "empty"
    } else {
        in_aws_auth
    };
    format!("the username is {in_aws_auth} in aws-auth, and {in_entry} in the access entry")
}

/// Joins the groups that are not in the other list.
fn without(groups: &[String], others: &[String]) -> String {
    let others: HashSet<&String> = others.iter().collect();
    let left = groups.iter().filter(|group| !others.contains(group));
    left.map(String::as_str).collect::<Vec<_>>().join(", ")
}
