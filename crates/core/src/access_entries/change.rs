//! A change of one access entry, and the calls that make it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Operation;
use super::difference::difference_between;
use super::tags::DIGEST;
use crate::authenticator::{AccessEntries, template};
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms};

/// The contents of an access entry before and after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryChange {
    pub principal_arn: String,
    /// `None` if there is no entry.
    pub before: Option<AccessTerms>,
    pub after: Option<AccessTerms>,
}

impl EntryChange {
    /// Returns the entry before the change.
    pub fn entry_before(&self) -> Option<AccessEntry> {
        self.entry(self.before.as_ref())
    }

    /// Returns the entry after the change.
    pub fn entry_after(&self) -> Option<AccessEntry> {
        self.entry(self.after.as_ref())
    }

    /// Whether the principal's entry is as it was before the change. Entries whose contents are unknown are never equal.
    pub fn is_before(&self, found: Option<&AccessEntry>) -> bool {
        self.is_equal(found, self.before.as_ref())
    }

    /// Whether the principal's entry is as it is after the change.
    pub fn is_after(&self, found: Option<&AccessEntry>) -> bool {
        self.is_equal(found, self.after.as_ref())
    }

    fn is_equal(&self, found: Option<&AccessEntry>, expected: Option<&AccessTerms>) -> bool {
        let terms = found.and_then(|found| found.terms.as_ref());
        let tags = |terms: Option<&AccessTerms>| terms.map(|terms| terms.tags.clone());
        found.is_some() == terms.is_some()
            && difference_between(&self.principal_arn, terms, expected).is_none()
            && tags(terms) == tags(expected)
    }

    fn entry(&self, terms: Option<&AccessTerms>) -> Option<AccessEntry> {
        let terms = terms?.clone();
        Some(AccessEntry {
            principal_arn: self.principal_arn.clone(),
            terms: Some(terms),
        })
    }

    /// Returns the change that restores the state before.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            principal_arn: self.principal_arn.clone(),
            before: self.after.clone(),
            after: self.before.clone(),
        }
    }

    /// Returns the calls, in an order in which the principal keeps the permissions that it has before and after the change;
    /// empty if the contents are the same. Of the tags of an existing entry, only the digest of its contents changes.
    ///
    /// EKS cannot change the type of an entry, so another type deletes the entry first.
    pub fn operations(&self) -> Vec<Operation> {
        let delete = || Operation::DeleteEntry {
            principal_arn: self.principal_arn.clone(),
        };
        match (&self.before, &self.after) {
            (None, None) => Vec::new(),
            (None, Some(after)) => Operation::creating(&self.principal_arn, after),
            (Some(_), None) => vec![delete()],
            (Some(before), Some(after)) if before.kind != after.kind => {
                let mut operations = vec![delete()];
                operations.extend(Operation::creating(&self.principal_arn, after));
                operations
            }
            (Some(before), Some(after)) => self.update(before, after),
        }
    }

    /// Returns the types before and after if the change deletes the entry and creates it again, because EKS cannot change the type.
    pub fn type_change(&self) -> Option<(&str, &str)> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        (before.kind != after.kind).then_some((&before.kind, &after.kind))
    }

    /// Splits the change into the part that gives access and the part that takes access away. One of them may need no call.
    /// A change of the username gives.
    pub fn parts(&self) -> [Self; 2] {
        let part = |before: &Option<AccessTerms>, after: &Option<AccessTerms>| Self {
            principal_arn: self.principal_arn.clone(),
            before: before.clone(),
            after: after.clone(),
        };
        let between = match (&self.before, &self.after) {
            (None, after) => after.clone(),
            (Some(before), Some(after)) if before.kind == after.kind => {
                Some(with_rights_of(after, before))
            }
            (before, _) => before.clone(),
        };
        [part(&self.before, &between), part(&between, &self.after)]
    }

    /// Returns whether the calls may give access: they create an entry, or give it a username, a group, a policy or a wider
    /// scope of one.
    pub fn gives_access(&self) -> bool {
        let [gives, _] = self.parts();
        let mut operations = gives.operations().into_iter();
        self.type_change().is_some() || operations.any(|operation| operation.may_give_access())
    }

    fn update(&self, before: &AccessTerms, after: &AccessTerms) -> Vec<Operation> {
        let scopes = |terms: &AccessTerms| -> BTreeMap<String, AccessPolicy> {
            let policies = terms.policies().iter();
            policies
                .map(|policy| (policy.arn.clone(), policy.clone()))
                .collect()
        };
        let (had, has) = (scopes(before), scopes(after));
        let principal_arn = || self.principal_arn.clone();
        let is_same = |policy: &AccessPolicy| {
            had.get(&policy.arn)
                .is_some_and(|had| is_same_scope(&had.scope, &policy.scope))
        };
        let mut operations: Vec<Operation> = has
            .values()
            .filter(|policy| !is_same(policy))
            .map(|policy| Operation::AssociatePolicy {
                principal_arn: principal_arn(),
                policy_arn: policy.arn.clone(),
                scope: policy.scope.clone(),
            })
            .collect();
        if let (Some(was), Some(is)) = (self.entry_before(), self.entry_after())
            && !after.is_for_nodes()
        {
            let (was, is) = (template(&was, before), template(&is, after));
            if was.username != is.username || set(&was.groups) != set(&is.groups) {
                operations.push(Operation::UpdateEntry {
                    principal_arn: principal_arn(),
                    username: is.username,
                    groups: is.groups,
                });
            }
        }
        let removed = had.into_keys().filter(|arn| !has.contains_key(arn));
        operations.extend(removed.map(|policy_arn| Operation::DisassociatePolicy {
            principal_arn: principal_arn(),
            policy_arn,
        }));
        // Last, so that the digest is that of the contents.
        let digest = after.tags.get(DIGEST);
        if let (Some(digest), Some(entry_arn)) = (digest, &before.arn)
            && before.tags.get(DIGEST) != Some(digest)
        {
            operations.push(Operation::TagEntry {
                principal_arn: principal_arn(),
                entry_arn: entry_arn.clone(),
                tags: [(DIGEST.to_owned(), digest.clone())].into(),
            });
        }
        operations
    }
}

/// Returns the contents of an entry with the groups and policies of another one added.
fn with_rights_of(terms: &AccessTerms, other: &AccessTerms) -> AccessTerms {
    let mut both = terms.clone();
    let own: BTreeSet<&String> = terms.groups.iter().collect();
    let groups = other.groups.iter();
    let groups = groups.filter(|group| !own.contains(group));
    both.groups.extend(groups.cloned());
    if let (Some(policies), Some(others)) = (&mut both.policies, &other.policies) {
        let numbered = terms.policies().iter().enumerate();
        let has: HashMap<&String, usize> = numbered.map(|(at, policy)| (&policy.arn, at)).collect();
        for other in others {
            match has.get(&other.arn).map(|at| &mut policies[*at]) {
                Some(policy) => policy.scope = both_scopes(&policy.scope, &other.scope),
                None => policies.push(other.clone()),
            }
        }
    }
    both
}

fn both_scopes(one: &AccessScope, other: &AccessScope) -> AccessScope {
    match (one, other) {
        (AccessScope::Namespaces(one), AccessScope::Namespaces(other)) => {
            let names: BTreeSet<&String> = one.iter().chain(other).collect();
            AccessScope::Namespaces(names.into_iter().cloned().collect())
        }
        _ => AccessScope::Cluster,
    }
}

/// Returns the changes that operations make to these access entries. Leaves out entries whose contents before are unknown, because their
/// change could not be undone, and those that the operations create again as they were.
pub fn changes_by(operations: &[Operation], entries: &[AccessEntry]) -> Vec<EntryChange> {
    let mut changes: Vec<EntryChange> = Vec::new();
    for operation in operations {
        let Some(arn) = operation.principal_arn() else {
            continue;
        };
        let at = match changes
            .iter()
            .position(|change| change.principal_arn == arn)
        {
            Some(at) => at,
            None => {
                let existing = entries.iter().find(|entry| entry.principal_arn == arn);
                let before = existing.and_then(|entry| entry.terms.clone());
                changes.push(EntryChange {
                    principal_arn: arn.to_owned(),
                    after: before.clone(),
                    before,
                });
                changes.len() - 1
            }
        };
        let after = &mut changes[at].after;
        *after = operation.apply_to(after.take());
    }
    let is_known = |arn: &str| {
        let mut entries = entries.iter();
        let entry = entries.find(|entry| entry.principal_arn == arn);
        entry.is_none_or(|entry| {
            let terms = entry.terms.as_ref();
            terms.is_some_and(|terms| terms.policies.is_some())
        })
    };
    changes.retain(|change| {
        let (before, after) = (change.before.as_ref(), change.after.as_ref());
        is_known(&change.principal_arn)
            && difference_between(&change.principal_arn, after, before).is_some()
    });
    changes
}

/// Returns the access entries after these changes.
pub fn changed(entries: &AccessEntries, changes: &[EntryChange]) -> AccessEntries {
    let changes = changes
        .iter()
        .map(|change| (change.principal_arn.as_str(), change.entry_after()));
    entries.with(changes)
}

fn is_same_scope(one: &AccessScope, other: &AccessScope) -> bool {
    match (one, other) {
        (AccessScope::Cluster, AccessScope::Cluster) => true,
        (AccessScope::Namespaces(one), AccessScope::Namespaces(other)) => set(one) == set(other),
        _ => false,
    }
}

fn set(names: &[String]) -> BTreeSet<&String> {
    names.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::authentication_mode::AuthenticationMode;

    const ROLE: &str = "arn:aws:iam::111122223333:role/team/Dev";
    const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
    const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";

    fn policy(arn: &str, namespaces: &[&str]) -> AccessPolicy {
        AccessPolicy {
            arn: arn.to_owned(),
            scope: match namespaces {
                [] => AccessScope::Cluster,
                names => {
                    AccessScope::Namespaces(names.iter().map(|&name| name.to_owned()).collect())
                }
            },
        }
    }

    fn terms(groups: &[&str], policies: &[AccessPolicy]) -> AccessTerms {
        AccessTerms {
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            policies: Some(policies.to_vec()),
            ..AccessTerms::default()
        }
    }

    fn change(before: Option<AccessTerms>, after: Option<AccessTerms>) -> EntryChange {
        EntryChange {
            principal_arn: ROLE.to_owned(),
            before,
            after,
        }
    }

    fn commands(change: &EntryChange) -> Vec<String> {
        let operations = change.operations().into_iter();
        operations
            .map(|operation| {
                let text = operation.to_string();
                text.replace(ROLE, "ROLE").replace("aws eks ", "")
            })
            .collect()
    }

    #[test]
    fn changes_by_operations_can_be_undone() {
        let entry = |terms| AccessEntry {
            principal_arn: ROLE.to_owned(),
            terms,
        };
        let principal_arn = || ROLE.to_owned();
        let delete = Operation::DeleteEntry {
            principal_arn: principal_arn(),
        };
        let associate = Operation::AssociatePolicy {
            principal_arn: principal_arn(),
            policy_arn: VIEW.to_owned(),
            scope: AccessScope::Cluster,
        };
        let view = terms(&["devs"], &[policy(VIEW, &["a"])]);
        let created = terms(&["devs"], &[policy(VIEW, &[])]);
        let creation = || Operation::creating(ROLE, &created);
        let recreation = || [vec![delete.clone()], Operation::creating(ROLE, &view)].concat();
        for (operations, existing, expected) in [
            (creation(), None, Some((None, Some(created.clone())))),
            (
                vec![associate.clone()],
                Some(entry(Some(view.clone()))),
                Some((Some(view.clone()), Some(created.clone()))),
            ),
            // An earlier run has created the entry.
            (
                creation(),
                Some(entry(Some(terms(&["devs"], &[])))),
                Some((Some(terms(&["devs"], &[])), Some(created.clone()))),
            ),
            (
                vec![delete.clone()],
                Some(entry(Some(view.clone()))),
                Some((Some(view.clone()), None)),
            ),
            (recreation(), Some(entry(Some(view.clone()))), None),
            (vec![associate.clone()], Some(entry(None)), None),
        ] {
            let existing: Vec<AccessEntry> = existing.into_iter().collect();
            let found = changes_by(&operations, &existing);
            let expected = expected.map(|(before, after)| change(before, after));
            assert_eq!(found, Vec::from_iter(expected));
        }
    }

    #[test]
    fn rights_are_added_before_others_are_removed() {
        let before = terms(&["admins"], &[policy(VIEW, &["a"])]);
        let after = terms(&["devs"], &[policy(ADMIN, &[])]);
        let forward = change(Some(before), Some(after));
        let verbs = |change: &EntryChange| -> Vec<String> {
            let commands = commands(change).into_iter();
            commands
                .map(|command| command.split(' ').next().unwrap().to_owned())
                .collect()
        };
        let expected = [
            "associate-access-policy",
            "update-access-entry",
            "disassociate-access-policy",
        ];
        assert_eq!(verbs(&forward), expected);
        assert_eq!(verbs(&forward.inverse()), expected);
    }

    #[test]
    fn entry_is_created_with_its_groups_in_one_call() {
        let new = change(None, Some(terms(&["devs"], &[policy(VIEW, &[])])));
        assert_eq!(
            commands(&new),
            [
                "create-access-entry --principal-arn ROLE --kubernetes-groups devs".to_owned(),
                format!(
                    r#"associate-access-policy --principal-arn ROLE --policy-arn {VIEW} --access-scope '{{"type":"cluster"}}'"#
                ),
            ]
        );
        assert_eq!(
            commands(&new.inverse()),
            ["delete-access-entry --principal-arn ROLE"]
        );
    }

    #[test]
    fn order_of_groups_and_namespaces_is_no_change() {
        let one = terms(&["a", "b"], &[policy(VIEW, &["x", "y"])]);
        let other = terms(&["b", "a"], &[policy(VIEW, &["y", "x"])]);
        assert!(
            change(Some(one.clone()), Some(other))
                .operations()
                .is_empty()
        );
        assert!(change(None, None).operations().is_empty());
        // EKS reports the default username that it was not given.
        let reported = AccessTerms {
            username: Some("arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}".to_owned()),
            ..one.clone()
        };
        assert!(change(Some(reported), Some(one)).operations().is_empty());
    }

    #[test]
    fn other_type_replaces_the_entry() {
        let node = AccessTerms {
            kind: "EC2_LINUX".to_owned(),
            username: Some("system:node:{{EC2PrivateDNSName}}".to_owned()),
            groups: vec!["system:nodes".to_owned()],
            policies: Some(Vec::new()),
            ..AccessTerms::default()
        };
        let replaced = change(Some(terms(&[], &[])), Some(node));
        assert_eq!(
            commands(&replaced),
            [
                "delete-access-entry --principal-arn ROLE",
                "create-access-entry --principal-arn ROLE --type EC2_LINUX",
            ]
        );
    }

    #[test]
    fn entries_after_the_changes_are_those_of_eks() {
        let entries = AccessEntries::new(
            AuthenticationMode::Api,
            Some(vec![AccessEntry {
                principal_arn: ROLE.to_owned(),
                terms: None,
            }]),
        );
        let sign_in = "arn:aws:iam::111122223333:role/Dev";
        let update = change(None, Some(terms(&["devs"], &[])));
        let after = changed(&entries, std::slice::from_ref(&update));
        assert_eq!(after.of(sign_in), update.entry_after().as_ref());
        assert_eq!(after.all().map(<[_]>::len), Some(1));
        let removed = changed(&after, &[update.inverse()]);
        assert_eq!(removed.of(sign_in), None);
        let created = changed(&removed, std::slice::from_ref(&update));
        assert_eq!(created.of(sign_in), update.entry_after().as_ref());
        let unread = AccessEntries::new(AuthenticationMode::Api, None);
        assert_eq!(changed(&unread, &[update]).all(), None);
    }

    #[test]
    fn parts_give_before_they_take() {
        let before = terms(&["a", "b"], &[policy(VIEW, &["x"]), policy(ADMIN, &[])]);
        let after = terms(&["b", "c"], &[policy(VIEW, &["y"])]);
        let whole = change(Some(before.clone()), Some(after.clone()));
        let [gives, takes] = whole.parts();
        assert_eq!(
            commands(&gives),
            [
                format!("associate-access-policy --principal-arn ROLE --policy-arn {VIEW} --access-scope '{{\"namespaces\":[\"x\",\"y\"],\"type\":\"namespace\"}}'"),
                "update-access-entry --principal-arn ROLE '--username=arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}' --kubernetes-groups b c a".to_owned(),
            ]
        );
        assert_eq!(
            commands(&takes),
            [
                format!("associate-access-policy --principal-arn ROLE --policy-arn {VIEW} --access-scope '{{\"namespaces\":[\"y\"],\"type\":\"namespace\"}}'"),
                "update-access-entry --principal-arn ROLE '--username=arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}' --kubernetes-groups b c".to_owned(),
                format!("disassociate-access-policy --principal-arn ROLE --policy-arn {ADMIN}"),
            ]
        );
        assert_eq!((gives.before, takes.after), (whole.before, whole.after));

        let is_call = |part: &EntryChange| !part.operations().is_empty();
        let nodes = AccessTerms {
            kind: "EC2_LINUX".to_owned(),
            ..before.clone()
        };
        for (before, after, expected) in [
            (None, Some(after.clone()), [true, false]),
            (Some(before.clone()), None, [false, true]),
            (Some(before.clone()), Some(nodes), [false, true]),
            (Some(before.clone()), Some(before), [false, false]),
        ] {
            assert_eq!(
                change(before, after).parts().each_ref().map(is_call),
                expected
            );
        }
    }

    #[test]
    fn digest_is_written_after_the_contents() {
        let tagged = |groups: &[&str], digest: &str| AccessTerms {
            tags: [
                (DIGEST.to_owned(), digest.to_owned()),
                ("team".to_owned(), digest.to_owned()),
            ]
            .into(),
            arn: Some("arn:aws:eks:eu-west-1:111122223333:access-entry/x".to_owned()),
            ..terms(groups, &[])
        };
        let both = change(Some(tagged(&["a"], "1")), Some(tagged(&["b"], "2")));
        let tag = r#"tag-resource --resource-arn arn:aws:eks:eu-west-1:111122223333:access-entry/x --tags '{"awsauth.dev/digest":"2"}'"#;
        let made = commands(&both);
        assert!(made[0].starts_with("update-access-entry"), "{made:?}");
        assert_eq!(made[1..], [tag]);
        let only = change(Some(tagged(&["a"], "1")), Some(tagged(&["a"], "2")));
        assert_eq!(commands(&only), [tag]);
        // EKS must have reported the ARN of the entry.
        let unknown = AccessTerms {
            arn: None,
            ..tagged(&["a"], "1")
        };
        assert_eq!(
            commands(&change(Some(unknown), Some(tagged(&["a"], "2")))),
            Vec::<String>::new()
        );
    }
}
