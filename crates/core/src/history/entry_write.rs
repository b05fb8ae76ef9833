//! A write to access entries, as a revision records it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::revision::Unreadable;
use crate::access_entries::{EntryChange, changed};
use crate::authenticator::{AccessChange, AccessEntries, Store, Stores, entry_access_changes};
use crate::document::Document;
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms};
use crate::facts::authentication_mode::AuthenticationMode;

/// A write to access entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryWrite {
    /// Orders the writes to access entries that found the same aws-auth, and names the revision: the resourceVersion of
    /// `awsauth-history` before the write, or 1 if there was none.
    pub sequence: u64,
    pub mode: AuthenticationMode,
    /// The entries that changed. Their times are not recorded.
    pub changes: Vec<EntryChange>,
}

impl EntryWrite {
    /// Returns the access entries of the changes, before the write.
    pub fn entries_before(&self) -> Vec<AccessEntry> {
        let changes = self.changes.iter();
        changes.filter_map(EntryChange::entry_before).collect()
    }

    /// Returns whether the write changed the entry of this principal.
    pub fn is_about(&self, principal_arn: &str) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|change| change.principal_arn == principal_arn)
    }

    /// Returns whose access the write changed. `aws_auth` is the document that it found.
    pub fn access_changes(&self, aws_auth: &Document) -> Vec<AccessChange> {
        let before = AccessEntries::new(self.mode, Some(self.entries_before()));
        let after = changed(&before, &self.changes);
        let aws_auth = &Store::new(aws_auth);
        let stores = |entries| Stores { aws_auth, entries };
        let changes = self.changes.iter();
        let principals = changes.map(|change| change.principal_arn.as_str());
        entry_access_changes(stores(&before), stores(&after), principals)
    }
}

/// The stored form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryWriteData {
    sequence: u64,
    mode: String,
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
            changes: changes.collect(),
        }
    }

    pub(super) fn read(self) -> Result<EntryWrite, Unreadable> {
        let changes = self.changes.into_iter().map(|change| EntryChange {
            principal_arn: change.principal_arn,
            before: change.before.map(TermsData::read),
            after: change.after.map(TermsData::read),
        });
        let mode = AuthenticationMode::named(&self.mode);
        Ok(EntryWrite {
            sequence: self.sequence,
            mode: mode
                .ok_or_else(|| Unreadable("it has no valid authentication mode".to_owned()))?,
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
        AccessTerms {
            kind: self.r#type,
            username: self.username,
            groups: self.groups,
            policies: Some(policies.collect()),
            tags: self.tags,
            created_at: None,
        }
    }
}
