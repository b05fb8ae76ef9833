//! Whether an access entry that already exists is the one to create.

use std::collections::{BTreeMap, BTreeSet};

use super::Operation;
use crate::authenticator::template;
use crate::facts::access_entries::{AccessEntry, AccessScope, AccessTerms, policy_name};

/// The contents of an entry that decide what its principal can do.
#[derive(Clone, PartialEq, Eq)]
struct Contents {
    kind: String,
    /// Absent for nodes, for which EKS chooses it and the groups.
    username: Option<String>,
    groups: BTreeSet<String>,
    /// The scope of each policy: its namespaces, or none for the whole cluster.
    policies: BTreeMap<String, Option<BTreeSet<String>>>,
}

/// Returns how an existing entry differs from the one that the first operation creates and the others change. An entry
/// that is as after any of these operations does not differ: an earlier run may have stopped there. Tags are not compared.
///
/// # Panics
/// If the first operation does not create an entry.
pub fn difference(operations: &[Operation], existing: &AccessEntry) -> Option<String> {
    let Some(Operation::CreateEntry { principal_arn, .. }) = operations.first() else {
        panic!("the first operation creates an entry");
    };
    let Some(terms) = &existing.terms else {
        return Some("its contents are unknown".to_owned());
    };
    if terms.policies.is_none() {
        return Some("its access policies are unknown".to_owned());
    }
    let found = Contents::of(existing, terms);
    let of_principal = operations
        .iter()
        .filter(|operation| operation.principal_arn() == Some(principal_arn));
    let mut expected: Option<Contents> = None;
    for operation in of_principal {
        expected = after(expected, operation);
        if expected.as_ref() == Some(&found) {
            return None;
        }
    }
    match expected {
        Some(expected) => Some(found.differs_from(&expected)),
        // The operations delete the entry again.
        None => Some("it exists".to_owned()),
    }
}

/// Returns how an entry differs from the requested one; `None` if both give the same access. A missing entry is `None`. Tags are
/// not compared.
pub fn difference_between(
    principal_arn: &str,
    found: Option<&AccessTerms>,
    expected: Option<&AccessTerms>,
) -> Option<String> {
    let contents = |terms: &AccessTerms| {
        let entry = AccessEntry {
            principal_arn: principal_arn.to_owned(),
            terms: None,
        };
        Contents::of(&entry, terms)
    };
    match (found.map(contents), expected.map(contents)) {
        (found, expected) if found == expected => None,
        (Some(found), Some(expected)) => Some(found.differs_from(&expected)),
        (Some(_), None) => Some("it exists".to_owned()),
        (None, _) => Some("it does not exist".to_owned()),
    }
}

fn after(before: Option<Contents>, operation: &Operation) -> Option<Contents> {
    if let Operation::CreateEntry {
        principal_arn,
        kind,
        username,
        groups,
        ..
    } = operation
    {
        let terms = AccessTerms {
            kind: kind.clone(),
            username: username.clone(),
            groups: groups.clone(),
            ..AccessTerms::default()
        };
        let entry = AccessEntry {
            principal_arn: principal_arn.clone(),
            terms: None,
        };
        return Some(Contents::of(&entry, &terms));
    }
    let mut contents = before?;
    match operation {
        Operation::UpdateEntry {
            username, groups, ..
        } => {
            contents.username = Some(username.clone());
            contents.groups = groups.iter().cloned().collect();
        }
        Operation::AssociatePolicy {
            policy_arn, scope, ..
        } => {
            contents.policies.insert(policy_arn.clone(), set(scope));
        }
        Operation::DisassociatePolicy { policy_arn, .. } => {
            contents.policies.remove(policy_arn);
        }
        Operation::DeleteEntry { .. } => return None,
        Operation::CreateEntry { .. }
        | Operation::TagEntry { .. }
        | Operation::UpdateAuthenticationMode { .. }
        | Operation::BindClusterAdmin { .. }
        | Operation::UnbindClusterAdmin { .. } => {}
    }
    Some(contents)
}

impl Contents {
    fn of(entry: &AccessEntry, terms: &AccessTerms) -> Self {
        let user = (!terms.is_for_nodes()).then(|| template(entry, terms));
        let (username, groups) = user.map(|user| (user.username, user.groups)).unzip();
        let policies = terms.policies().iter();
        Self {
            kind: terms.kind.clone(),
            username,
            groups: groups.into_iter().flatten().collect(),
            policies: policies
                .map(|policy| (policy.arn.clone(), set(&policy.scope)))
                .collect(),
        }
    }

    fn differs_from(&self, expected: &Self) -> String {
        let mut differences = Vec::new();
        let mut add = |what: &str, found: &str, expected: &str| {
            if found != expected {
                differences.push(format!("its {what} is {found}, not {expected}"));
            }
        };
        add("type", &self.kind, &expected.kind);
        if let (Some(found), Some(expected)) = (&self.username, &expected.username) {
            add("username", found, expected);
        }
        if self.groups != expected.groups {
            let (found, expected) = (list(&self.groups), list(&expected.groups));
            differences.push(format!("it has {found}, not {expected}"));
        }
        for (arn, scope) in &self.policies {
            match expected.policies.get(arn) {
                None => differences.push(format!("it has the access policy {}", policy_name(arn))),
                Some(other) if other != scope => differences.push(format!(
                    "its access policy {} applies in {}, not in {}",
                    policy_name(arn),
                    area(scope.as_ref()),
                    area(other.as_ref())
                )),
                Some(_) => {}
            }
        }
        if differences.is_empty() {
            // Only policies are missing, and the entry has some of those that later operations add.
            let missing = expected.policies.keys();
            let missing = missing.filter(|arn| !self.policies.contains_key(*arn));
            let missing: Vec<&str> = missing.map(|arn| policy_name(arn)).collect();
            differences.push(format!("it lacks {}", missing.join(", ")));
        }
        differences.join("; ")
    }
}

fn set(scope: &AccessScope) -> Option<BTreeSet<String>> {
    match scope {
        AccessScope::Cluster => None,
        AccessScope::Namespaces(namespaces) => Some(namespaces.iter().cloned().collect()),
    }
}

fn area(namespaces: Option<&BTreeSet<String>>) -> String {
    namespaces.map_or_else(
        || "the whole cluster".to_owned(),
        |namespaces| {
            let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
            namespaces.join(", ")
        },
    )
}

fn list(groups: &BTreeSet<String>) -> String {
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => "no groups".to_owned(),
        [group] => format!("the group {group}"),
        groups => format!("the groups {}", groups.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::access_entries::AccessPolicy;

    const ROLE: &str = "arn:aws:iam::111122223333:role/team/Dev";
    const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    const EDIT: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy";
    const ASSUMED: &str = "arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}";

    fn operations() -> [Operation; 3] {
        let principal_arn = || ROLE.to_owned();
        [
            Operation::CreateEntry {
                principal_arn: principal_arn(),
                kind: "STANDARD".to_owned(),
                username: None,
                groups: vec!["devs".to_owned(), "ops".to_owned()],
                tags: BTreeMap::new(),
            },
            Operation::AssociatePolicy {
                principal_arn: principal_arn(),
                policy_arn: VIEW.to_owned(),
                scope: AccessScope::Namespaces(vec!["a".to_owned(), "b".to_owned()]),
            },
            Operation::UpdateEntry {
                principal_arn: principal_arn(),
                username: ASSUMED.to_owned(),
                groups: Vec::new(),
            },
        ]
    }

    fn entry(username: &str, groups: &[&str], policies: &[(&str, AccessScope)]) -> AccessEntry {
        let policies = policies.iter().map(|(arn, scope)| AccessPolicy {
            arn: (*arn).to_owned(),
            scope: scope.clone(),
        });
        AccessEntry {
            principal_arn: ROLE.to_owned(),
            terms: Some(AccessTerms {
                username: Some(username.to_owned()),
                groups: groups.iter().map(|&group| group.to_owned()).collect(),
                policies: Some(policies.collect()),
                ..AccessTerms::default()
            }),
        }
    }

    fn namespaces(names: &[&str]) -> AccessScope {
        AccessScope::Namespaces(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn entry_as_after_any_of_the_operations_does_not_differ() {
        let view = (VIEW, namespaces(&["b", "a"]));
        for existing in [
            entry(ASSUMED, &["ops", "devs"], &[]),
            entry(ASSUMED, &["ops", "devs"], std::slice::from_ref(&view)),
            entry(ASSUMED, &[], std::slice::from_ref(&view)),
        ] {
            assert_eq!(difference(&operations(), &existing), None);
        }
    }

    #[test]
    fn each_difference_is_named() {
        let view = || (VIEW, namespaces(&["a", "b"]));
        for (existing, expected) in [
            (
                entry("x", &["devs"], &[view()]),
                format!("its username is x, not {ASSUMED}; it has the group devs, not no groups"),
            ),
            (
                entry(ASSUMED, &[], &[]),
                "it lacks AmazonEKSViewPolicy".to_owned(),
            ),
            (
                entry(
                    ASSUMED,
                    &[],
                    &[(VIEW, AccessScope::Cluster), (EDIT, AccessScope::Cluster)],
                ),
                "it has the access policy AmazonEKSEditPolicy; its access policy AmazonEKSViewPolicy applies in the whole cluster, not in a, b".to_owned(),
            ),
        ] {
            assert_eq!(difference(&operations(), &existing), Some(expected));
        }
        let mut node = entry(ASSUMED, &[], &[view()]);
        if let Some(terms) = &mut node.terms {
            terms.kind = "EC2_LINUX".to_owned();
            terms.policies = None;
        }
        let unknown = difference(&operations(), &node);
        assert_eq!(unknown.as_deref(), Some("its access policies are unknown"));
    }
}
