//! awsauth's own file: `kind: Access`.

use std::fmt::Write;

use jiff::Timestamp;

use super::quoting::{yaml, yaml_list};
use awsauth_core::access_entries::recorded_expiry;
use awsauth_core::desired::node_kind_name;
use awsauth_core::document::Mapping;
use awsauth_core::facts::access_entries::{
    AccessEntry, AccessPolicy, AccessScope, AccessTerms, STANDARD,
};
use awsauth_core::facts::groups::MASTERS;
use awsauth_core::facts::node_kinds::NodeKind;

/// A grant of an `Access`.
pub(super) struct Grant<'a> {
    arn: &'a str,
    nodes: Option<&'a str>,
    /// `None` for the default of EKS.
    username: Option<&'a str>,
    groups: Vec<&'a str>,
    is_admin: bool,
    policies: Vec<&'a AccessPolicy>,
    until: Option<Timestamp>,
}

impl<'a> Grant<'a> {
    /// Returns the grant of a mapping in aws-auth.
    pub(super) fn of_mapping(arn: &'a str, mapping: &'a Mapping, until: Option<Timestamp>) -> Self {
        let is_for = |kind: &NodeKind| kind.is_user(&mapping.username, mapping.groups());
        if let Some(kind) = NodeKind::ALL.into_iter().find(is_for) {
            return Self::of_nodes(arn, node_kind_name(kind), Vec::new(), until);
        }
        let groups = mapping.groups().iter().map(String::as_str);
        Self {
            arn,
            nodes: None,
            username: Some(&mapping.username),
            groups: groups.filter(|group| *group != MASTERS).collect(),
            is_admin: mapping.groups().iter().any(|group| group == MASTERS),
            policies: Vec::new(),
            until,
        }
    }

    /// Returns the grant of an access entry with these contents.
    pub(super) fn of_entry(entry: &'a AccessEntry, terms: &'a AccessTerms) -> Self {
        let arn = &entry.principal_arn;
        let until = recorded_expiry(entry).filter(|expiry| !expiry.is_changed);
        let until = until.map(|expiry| expiry.at);
        let policies = terms.policies().iter();
        if terms.kind != STANDARD {
            return Self::of_nodes(arn, node_kind(&terms.kind), policies.collect(), until);
        }
        Self {
            arn,
            nodes: None,
            username: terms.username.as_deref(),
            groups: terms.groups.iter().map(String::as_str).collect(),
            is_admin: policies.clone().any(AccessPolicy::is_cluster_admin),
            policies: policies
                .filter(|policy| !policy.is_cluster_admin())
                .collect(),
            until,
        }
    }

    /// Returns the grant of nodes, whose user follows from their kind.
    fn of_nodes(
        arn: &'a str,
        nodes: &'a str,
        policies: Vec<&'a AccessPolicy>,
        until: Option<Timestamp>,
    ) -> Self {
        Self {
            arn,
            nodes: Some(nodes),
            username: None,
            groups: Vec::new(),
            is_admin: false,
            policies,
            until,
        }
    }
}

/// Formats an `Access` with these grants.
pub(super) fn access_file(grants: &[Grant<'_>]) -> String {
    let mut text = "apiVersion: awsauth.dev/v1beta1\nkind: Access\n".to_owned();
    text.push_str(if grants.is_empty() {
        "grants: []\n"
    } else {
        "grants:\n"
    });
    for grant in grants {
        let _ = writeln!(text, "- arn: {}", yaml(grant.arn));
        if let Some(nodes) = grant.nodes {
            let _ = writeln!(text, "  nodes: {}", yaml(nodes));
        }
        if let Some(username) = grant.username {
            let _ = writeln!(text, "  username: {}", yaml(username));
        }
        yaml_list(&mut text, "  ", "groups", &grant.groups);
        if grant.is_admin {
            text.push_str("  admin: true\n");
        }
        if !grant.policies.is_empty() {
            text.push_str("  policies:\n");
        }
        for policy in &grant.policies {
            match &policy.scope {
                AccessScope::Cluster => {
                    let _ = writeln!(text, "  - {}", yaml(&policy.arn));
                }
                AccessScope::Namespaces(names) => {
                    let _ = writeln!(text, "  - name: {}", yaml(&policy.arn));
                    yaml_list(&mut text, "    ", "namespaces", names);
                }
            }
        }
        if let Some(until) = grant.until {
            let _ = writeln!(text, "  until: {}", yaml(&until.to_string()));
        }
    }
    text
}

/// Returns the kind of nodes of a type of access entries; the type itself if an `Access` cannot request it.
fn node_kind(kind: &str) -> &str {
    match NodeKind::of_access_entry(kind) {
        Some(kind) => node_kind_name(kind),
        None => kind,
    }
}
