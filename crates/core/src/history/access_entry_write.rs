//! A write to access entries, as a revision records it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::unreadable::Unreadable;
use crate::access_entries::{EntryChange, changed};
use crate::arn::{Parts, principal_key};
use crate::authenticator::{AccessChange, AccessEntries, Store, Stores, entry_access_changes};
use crate::document::Document;
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms, STANDARD};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::facts::node_kinds::NodeKind;
use crate::permission_set::account_and_set;

/// A write to access entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryWrite {
    /// Orders the writes to access entries that found the same aws-auth, and names the revision: the resourceVersion of
    /// `awsauth-history` before the write, or 1 if there was none.
    pub sequence: u64,
    /// The authentication mode in which the cluster reads the entries: the one after the write.
    pub mode: AuthenticationMode,
    /// The mode before, if the write changed it, which EKS cannot reverse:
    /// <https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html>
    pub mode_before: Option<AuthenticationMode>,
    /// The entries that changed. Their times and own ARNs are not recorded.
    pub changes: Vec<EntryChange>,
}

/// The sequence of a write before which `awsauth-history` did not exist.
const FIRST_SEQUENCE: u64 = 1;

impl EntryWrite {
    /// Returns a write that changes access entries.
    pub fn of_changes(mode: AuthenticationMode, changes: Vec<EntryChange>) -> Self {
        Self {
            sequence: FIRST_SEQUENCE,
            mode,
            mode_before: None,
            changes,
        }
    }

    /// Returns a write that changes the authentication mode.
    pub fn of_mode(from: AuthenticationMode, to: AuthenticationMode) -> Self {
        Self {
            mode_before: Some(from),
            ..Self::of_changes(to, Vec::new())
        }
    }

    /// Joins writes, from the oldest to the newest, into one; `None` without any.
    ///
    /// # Errors
    /// If they name a principal in two ways, because two entries could then pass for one.
    pub fn joined(writes: &[&Self]) -> Result<Option<Self>, Unreadable> {
        let Some(first) = writes.first() else {
            return Ok(None);
        };
        let mut joined = Self {
            changes: Vec::new(),
            ..(*first).clone()
        };
        let mut known = HashMap::new();
        for change in writes.iter().flat_map(|write| &write.changes) {
            let arn = &change.principal_arn;
            let at = *known
                .entry(principal_key(arn))
                .or_insert(joined.changes.len());
            match joined.changes.get_mut(at) {
                None => joined.changes.push(change.clone()),
                Some(known) if known.principal_arn != *arn => {
                    return Err(Unreadable(format!(
                        "{arn} and {} are one principal",
                        known.principal_arn
                    )));
                }
                Some(known) => known.after.clone_from(&change.after),
            }
        }
        Ok(Some(joined))
    }

    /// Returns the access entries of the changes, before the write.
    pub fn entries_before(&self) -> Vec<AccessEntry> {
        let changes = self.changes.iter();
        changes.filter_map(EntryChange::entry_before).collect()
    }

    /// Returns the principals whose entries the write changed.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        let changes = self.changes.iter();
        changes.map(|change| change.principal_arn.as_str())
    }

    /// Returns how the changes contradict the recorded command, as a clause; `None` if they do not, or the command does not name
    /// principals. Only `map` and `unmap` with ARNs do.
    pub fn contradiction(&self, command: &[String]) -> Option<String> {
        // The word after a flag may be its value, such as that of --role-arn.
        let arguments = command.windows(2).filter(|pair| !pair[0].starts_with('-'));
        let arguments: Vec<&str> = arguments.map(|pair| pair[1].as_str()).collect();
        let mut verbs = arguments.iter().copied();
        let maps = verbs.find(|word| ["map", "unmap"].contains(word))? == "map";
        let arguments = arguments.into_iter();
        let named = arguments.filter(|word| is_role_or_user(word));
        let named: HashSet<String> = named.map(principal_key).collect();
        let mut mapped: HashMap<(&str, String), HashSet<String>> = HashMap::new();
        for change in self.changes.iter().filter(|change| change.after.is_some()) {
            let arn = &change.principal_arn;
            if let Some(set) = account_and_set(arn) {
                mapped.entry(set).or_default().insert(principal_key(arn));
            }
        }
        self.changes.iter().find_map(|change| {
            let arn = &change.principal_arn;
            // Another mapped role of a permission set replaces the deleted one.
            let is_replaced = || {
                let roles = account_and_set(arn).and_then(|set| mapped.get(&set));
                roles.is_some_and(|roles| roles.len() > 1 || !roles.contains(&principal_key(arn)))
            };
            match (maps, &change.before, &change.after) {
                (true, _, None) if is_replaced() => None,
                _ if !named.is_empty() && !named.contains(&principal_key(arn)) => {
                    Some(format!("the command does not name {arn}"))
                }
                (true, _, None) => Some(format!("map never deletes the access entry of {arn}")),
                (false, None, _) => Some(format!("unmap never creates the access entry of {arn}")),
                _ => None,
            }
        })
    }

    /// Returns whose access the write changed. `aws_auth` is the document that it found.
    pub fn access_changes(&self, aws_auth: &Document) -> Vec<AccessChange> {
        let before = AccessEntries::new(self.mode, Some(self.entries_before()));
        let after = changed(&before, &self.changes);
        let aws_auth = &Store::new(aws_auth);
        let stores = |entries| Stores { aws_auth, entries };
        entry_access_changes(stores(&before), stores(&after), self.principals())
    }

    /// Returns the principals that get access by the write: through their entries, or through aws-auth once these are deleted.
    pub fn principals_with_new_access(&self, aws_auth: &Document) -> BTreeSet<String> {
        let through_entries = self.changes.iter().filter(|change| change.gives_access());
        let through_entries = through_entries.map(|change| change.principal_arn.clone());
        let access = self.access_changes(aws_auth).into_iter();
        let gains = access.filter(AccessChange::gives_access);
        gains
            .map(|change| change.arn)
            .chain(through_entries)
            .collect()
    }
}

fn is_role_or_user(arn: &str) -> bool {
    Parts::of(arn).is_some_and(|arn| arn.is("iam", "role") || arn.is("iam", "user"))
}

/// The stored form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryWriteData {
    sequence: u64,
    mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode_before: Option<String>,
    changes: Vec<ChangeData>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeData {
    principal_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<TermsData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<TermsData>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TermsData {
    r#type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    policies: Vec<PolicyData>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyData {
    arn: String,
    /// Absent for the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespaces: Option<Vec<String>>,
}

impl EntryWriteData {
    pub(super) fn of(write: &EntryWrite) -> Self {
        let changes = write.changes.iter().map(|change| ChangeData {
            principal_arn: change.principal_arn.clone(),
            before: change.before.as_ref().map(TermsData::of),
            after: change.after.as_ref().map(TermsData::of),
        });
        Self {
            sequence: write.sequence,
            mode: write.mode.name().to_owned(),
            mode_before: write.mode_before.map(|mode| mode.name().to_owned()),
            changes: changes.collect(),
        }
    }

    pub(super) fn read(self) -> Result<EntryWrite, Unreadable> {
        let mut principals = HashSet::new();
        for change in &self.changes {
            let arn = &change.principal_arn;
            // Only these can have access entries: https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
            if !is_role_or_user(arn) {
                return Err(Unreadable(format!("{arn} is no IAM role or user")));
            }
            if !principals.insert(principal_key(arn)) {
                return Err(Unreadable(format!("it names {arn} twice")));
            }
        }
        let changes = self.changes.into_iter().map(|change| EntryChange {
            principal_arn: change.principal_arn,
            before: change.before.map(TermsData::read),
            after: change.after.map(TermsData::read),
        });
        let mode = |name: &String| {
            let mode = AuthenticationMode::named(name);
            mode.ok_or_else(|| Unreadable("it has no valid authentication mode".to_owned()))
        };
        Ok(EntryWrite {
            sequence: self.sequence,
            mode: mode(&self.mode)?,
            mode_before: self.mode_before.as_ref().map(mode).transpose()?,
            changes: changes.collect(),
        })
    }
}

impl TermsData {
    fn of(terms: &AccessTerms) -> Self {
        let policies = terms.policies().iter().map(|policy| PolicyData {
            arn: policy.arn.clone(),
            namespaces: match &policy.scope {
                AccessScope::Cluster => None,
                AccessScope::Namespaces(names) => Some(names.clone()),
            },
        });
        Self {
            r#type: terms.kind.clone(),
            username: terms.username.clone(),
            groups: terms.groups.clone(),
            policies: policies.collect(),
            tags: terms.tags.clone(),
        }
    }

    fn read(self) -> AccessTerms {
        let policies = self.policies.into_iter().map(|policy| AccessPolicy {
            arn: policy.arn,
            scope: policy
                .namespaces
                .map_or(AccessScope::Cluster, AccessScope::Namespaces),
        });
        // EKS sets them for other types, so the recorded values mean nothing:
        // https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html
        let (username, groups) = match NodeKind::of_access_entry(&self.r#type) {
            _ if self.r#type == STANDARD => (self.username, self.groups),
            Some(kind) => {
                let groups = kind.groups().iter();
                let groups = groups.map(|&group| group.to_owned());
                (Some(kind.username().to_owned()), groups.collect())
            }
            None => (None, Vec::new()),
        };
        AccessTerms {
            kind: self.r#type,
            username,
            groups,
            policies: Some(policies.collect()),
            tags: self.tags,
            arn: None,
            created_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";
    const DEV_WITHOUT_PATH: &str = "arn:aws:iam::111122223333:role/dev";
    const OTHER: &str = "arn:aws:iam::999999999999:role/other";

    #[test]
    fn write_that_its_command_cannot_have_made_is_a_contradiction() {
        let created = (None, Some(AccessTerms::default()));
        let deleted = (Some(AccessTerms::default()), None);
        for (command, arn, (before, after), expected) in [
            (format!("map role {DEV_WITHOUT_PATH}"), DEV, &created, None),
            (format!("unmap role {DEV}"), DEV, &deleted, None),
            (
                format!("map role {DEV} --group devs"),
                OTHER,
                &created,
                Some("the command does not name"),
            ),
            (
                format!("map role {DEV} --role-arn {OTHER}"),
                OTHER,
                &created,
                Some("the command does not name"),
            ),
            (
                format!("map role {DEV}"),
                DEV,
                &deleted,
                Some("map never deletes"),
            ),
            (
                format!("unmap role {DEV}"),
                DEV,
                &created,
                Some("unmap never creates"),
            ),
            // These name no principals.
            (
                "map sso Admin --account 1".to_owned(),
                OTHER,
                &created,
                None,
            ),
            ("apply -f access.yaml".to_owned(), OTHER, &deleted, None),
            ("undo 12".to_owned(), OTHER, &created, None),
        ] {
            let write = EntryWrite {
                sequence: 1,
                mode: AuthenticationMode::Api,
                mode_before: None,
                changes: vec![EntryChange {
                    principal_arn: arn.to_owned(),
                    before: before.clone(),
                    after: after.clone(),
                }],
            };
            let command = format!("awsauth {command}");
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            let found = write.contradiction(&words);
            assert_eq!(found.is_some(), expected.is_some(), "{command}: {found:?}");
            if let (Some(found), Some(expected)) = (found, expected) {
                assert!(found.starts_with(expected), "{found}");
            }
        }
    }

    #[test]
    fn mapped_role_of_a_permission_set_replaces_only_the_deleted_role_of_this_set() {
        let role = |name: &str| format!("arn:aws:iam::111122223333:role/AWSReservedSSO_{name}");
        let command = ["awsauth", "map", "sso", "Dev"].map(str::to_owned);
        for (deleted, is_replaced) in [
            ("Dev_0123456789abcdef", true),
            ("Ops_0123456789abcdef", false),
            ("Dev_fedcba9876543210", false),
        ] {
            let change = |name: &str, before: Option<()>, after: Option<()>| EntryChange {
                principal_arn: role(name),
                before: before.map(|()| AccessTerms::default()),
                after: after.map(|()| AccessTerms::default()),
            };
            let write = EntryWrite {
                sequence: 1,
                mode: AuthenticationMode::Api,
                mode_before: None,
                changes: vec![
                    change("Dev_fedcba9876543210", None, Some(())),
                    change(deleted, Some(()), None),
                ],
            };
            let found = write.contradiction(&command);
            assert_eq!(found.is_none(), is_replaced, "{deleted}: {found:?}");
        }
    }

    fn data(arns: &[&str]) -> EntryWriteData {
        EntryWriteData::of(&EntryWrite::of_changes(
            AuthenticationMode::Api,
            arns.iter()
                .map(|arn| EntryChange {
                    principal_arn: (*arn).to_owned(),
                    before: None,
                    after: Some(AccessTerms::default()),
                })
                .collect(),
        ))
    }

    #[test]
    fn revision_with_an_impossible_principal_is_unreadable() {
        let upper = DEV.to_uppercase().replace("ARN:AWS:IAM:", "arn:aws:iam:");
        let upper = upper.replace("ROLE/TEAM/", "role/team/");
        for (arns, why) in [
            (&[DEV, OTHER][..], None),
            (&[DEV, OTHER, DEV], Some("it names")),
            (&[DEV, DEV_WITHOUT_PATH], Some("it names")),
            (&[DEV, &upper], Some("it names")),
            (
                &["arn:aws:sts::111122223333:assumed-role/dev/x"],
                Some("arn:aws:sts::111122223333:assumed-role/dev/x is no IAM role or user"),
            ),
            (&["arn:aws:iam::111122223333:root"], Some("arn:aws:iam")),
            (&[""], Some(" is no IAM role")),
        ] {
            let error = data(arns).read().err().map(|error| error.to_string());
            assert_eq!(error.is_some(), why.is_some(), "{arns:?}: {error:?}");
            if let (Some(error), Some(why)) = (error, why) {
                assert!(error.starts_with(why), "{error}");
            }
        }
    }

    #[test]
    fn operation_without_a_known_change_of_access_gives_access() {
        let policy = AccessPolicy {
            arn: crate::facts::access_entries::CLUSTER_ADMIN.to_owned(),
            scope: AccessScope::Cluster,
        };
        let terms = |policies: Vec<AccessPolicy>| AccessTerms {
            policies: Some(policies),
            ..AccessTerms::default()
        };
        let change = |after: AccessTerms| EntryChange {
            principal_arn: DEV.to_owned(),
            before: Some(terms(Vec::new())),
            after: Some(after),
        };
        let same = change(terms(Vec::new()));
        let more = change(terms(vec![policy]));
        let nothing = BTreeMap::<String, String>::new();
        let gains = |changes: &[&EntryChange]| {
            let changes = changes.iter().map(|change| (*change).clone()).collect();
            let write = EntryWrite::of_changes(AuthenticationMode::Api, changes);
            write.principals_with_new_access(&Document::read(&nothing))
        };
        let dev = BTreeSet::from([DEV.to_owned()]);
        assert_eq!(gains(&[&same]), BTreeSet::new());
        assert_eq!(gains(&[&more.inverse()]), BTreeSet::new());
        assert_eq!(gains(&[&more]), dev);
        // The index of entries knows only one of two entries of the same principal.
        assert_eq!(gains(&[&same, &more]), dev);
        assert_eq!(gains(&[&more, &same]), dev);
    }

    #[test]
    fn joined_writes_are_one_change_of_each_principal() {
        let terms = |group: &str| AccessTerms {
            groups: vec![group.to_owned()],
            ..AccessTerms::default()
        };
        let write = |changes: &[(&str, Option<&str>, Option<&str>)]| EntryWrite {
            sequence: 1,
            mode: AuthenticationMode::Api,
            mode_before: None,
            changes: changes
                .iter()
                .map(|(arn, before, after)| EntryChange {
                    principal_arn: (*arn).to_owned(),
                    before: before.map(terms),
                    after: after.map(terms),
                })
                .collect(),
        };
        let first = write(&[(DEV, Some("a"), Some("b"))]);
        let last = write(&[(OTHER, Some("x"), None), (DEV, Some("b"), Some("c"))]);
        assert_eq!(
            EntryWrite::joined(&[&first, &last]),
            Ok(Some(write(&[
                (DEV, Some("a"), Some("c")),
                (OTHER, Some("x"), None)
            ])))
        );
        assert_eq!(EntryWrite::joined(&[]), Ok(None));
        for same in [DEV_WITHOUT_PATH.to_owned(), DEV.replace("dev", "DEV")] {
            let other = write(&[(&same, Some("b"), Some("c"))]);
            let error = EntryWrite::joined(&[&first, &other]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{same} and {DEV} are one principal")
            );
        }
    }

    /// Restores an entry whose type is not STANDARD and whose recorded contents seem to give less than the current ones.
    #[test]
    fn username_and_groups_of_nodes_are_those_of_eks_whatever_is_recorded() {
        let recorded = |kind: &str| {
            let change = EntryChange {
                principal_arn: DEV.to_owned(),
                before: Some(AccessTerms {
                    kind: kind.to_owned(),
                    username: Some("dev".to_owned()),
                    groups: vec!["view".to_owned()],
                    ..AccessTerms::default()
                }),
                after: None,
            };
            let write = EntryWrite::of_changes(AuthenticationMode::Api, vec![change]);
            let read = EntryWriteData::of(&write).read().unwrap();
            read.changes[0].before.clone().unwrap()
        };
        let live = AccessTerms {
            policies: Some(Vec::new()),
            ..recorded(STANDARD)
        };
        let nothing = BTreeMap::<String, String>::new();
        for (kind, username, groups) in [
            (STANDARD, Some("dev"), &["view"][..]),
            (
                "FARGATE_LINUX",
                Some("system:node:{{SessionName}}"),
                &[
                    "system:bootstrappers",
                    "system:nodes",
                    "system:node-proxier",
                ],
            ),
            ("FUTURE_LINUX", None, &[]),
        ] {
            let terms = recorded(kind);
            assert_eq!(terms.username.as_deref(), username, "{kind}");
            assert_eq!(terms.groups, groups, "{kind}");
            let undo = EntryChange {
                principal_arn: DEV.to_owned(),
                before: Some(live.clone()),
                after: Some(terms),
            };
            let undo = EntryWrite::of_changes(AuthenticationMode::Api, vec![undo]);
            let gains = undo.principals_with_new_access(&Document::read(&nothing));
            assert_eq!(gains.contains(DEV), kind != STANDARD, "{kind}");
        }
    }
}
