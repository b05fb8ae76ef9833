//! Access entries.

use std::fmt::Write;

use serde::Serialize;

use super::style::{HEADING, NOTICE, PLACE, paint};
use awsauth_core::access_entries::recorded_expiry;
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::template;
use awsauth_core::escape::one_line;
use awsauth_core::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope};

/// An access entry in the form that docs/json.md documents.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccessEntryData<'a> {
    principal_arn: &'a str,
    r#type: Option<&'a str>,
    username: Option<String>,
    groups: &'a [String],
    /// Null if EKS did not return them.
    policies: Option<Vec<PolicyData<'a>>>,
    /// When it expires, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyData<'a> {
    policy_arn: &'a str,
    /// Absent for the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces: Option<&'a [String]>,
}

impl<'a> AccessEntryData<'a> {
    pub(super) fn of(entry: &'a AccessEntry) -> Self {
        let terms = entry.terms.as_ref();
        let policies = terms.and_then(|terms| terms.policies.as_ref());
        let policies = policies.map(|policies| policies.iter().map(PolicyData::of).collect());
        Self {
            principal_arn: &entry.principal_arn,
            r#type: terms.map(|terms| terms.kind.as_str()),
            username: terms.map(|terms| template(entry, terms).username),
            groups: terms.map_or(&[], |terms| &terms.groups),
            policies,
            expires: recorded_expiry(entry)
                .filter(|expiry| !expiry.is_changed)
                .map(|expiry| expiry.at.to_string()),
        }
    }
}

impl<'a> PolicyData<'a> {
    pub(super) fn of(policy: &'a AccessPolicy) -> Self {
        Self {
            policy_arn: &policy.arn,
            namespaces: match &policy.scope {
                AccessScope::Cluster => None,
                AccessScope::Namespaces(names) => Some(names),
            },
        }
    }
}

/// Returns `user` or `role`.
pub(super) fn kind(entry: &AccessEntry) -> &'static str {
    match Parts::of(&entry.principal_arn) {
        Some(parts) if parts.is("iam", "user") => "user",
        _ => "role",
    }
}

/// Names the entry, styled.
pub(super) fn name(entry: &AccessEntry) -> String {
    let name = format!("the access entry of {}", one_line(&entry.principal_arn));
    let name = paint(PLACE, &name);
    match &entry.terms {
        Some(terms) => format!("{name}, of type {}", one_line(&terms.kind)),
        None => name,
    }
}

/// Formats the permissions that EKS grants besides RBAC, styled; empty if there are none.
pub(super) fn rights(entry: &AccessEntry) -> String {
    let mut text = String::new();
    let Some(terms) = &entry.terms else {
        return text;
    };
    if terms.policies.is_none() {
        let unknown = "Its access policies in EKS are unknown";
        let _ = writeln!(text, "{}", paint(NOTICE, unknown));
    }
    if terms.policies().is_empty() {
        return text;
    }
    let heading = "What access policies of EKS allow besides RBAC";
    let _ = writeln!(text, "{}", paint(HEADING, &format!("{heading}:")));
    for policy in terms.policies() {
        let place = policy.scope.to_string();
        let _ = writeln!(text, "  {} {}", one_line(policy.name()), one_line(&place));
    }
    text
}

/// Formats a policy briefly: its name, and its namespaces if it does not apply to the whole cluster.
pub(super) fn short(policy: &AccessPolicy) -> String {
    match &policy.scope {
        AccessScope::Cluster => policy.name().to_owned(),
        AccessScope::Namespaces(names) => format!("{}({})", policy.name(), names.join(",")),
    }
}
