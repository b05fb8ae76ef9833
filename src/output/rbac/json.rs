//! RBAC permissions as JSON.

use serde::Serialize;

use awsauth_core::rbac::{Access, Grant, RoleRef, Rule, Rules, Subject, Unread};

/// The permissions of a user and their bindings, as the JSON that docs/json.md documents.
#[derive(Debug, Serialize)]
pub(in crate::output) struct RbacData<'a> {
    everything: bool,
    kubelet: bool,
    bindings: Vec<BindingData<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<UnreadData<'a>>,
}

#[derive(Debug, Serialize)]
struct BindingData<'a> {
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    role: RoleData<'a>,
    subjects: Vec<SubjectData<'a>>,
    rules: Option<Vec<RuleData<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// A reference to a role.
#[derive(Debug, Serialize)]
pub(in crate::output) struct RoleData<'a> {
    kind: &'static str,
    name: &'a str,
}

/// A subject of a binding.
#[derive(Debug, Serialize)]
pub(in crate::output) struct SubjectData<'a> {
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

/// A rule with the field names of Kubernetes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleData<'a> {
    verbs: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    api_groups: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resources: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resource_names: &'a [String],
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "<[_]>::is_empty")]
    non_resource_urls: &'a [String],
}

/// A resource that could not be read.
#[derive(Debug, Serialize)]
pub(in crate::output) struct UnreadData<'a> {
    resource: &'a str,
    reason: &'a str,
}

impl<'a> RbacData<'a> {
    pub(in crate::output) fn of(access: &'a Access<'a>) -> Self {
        let unread = access.unread.iter().map(UnreadData::of);
        Self {
            everything: access.user.may_do_everything(),
            kubelet: access.user.is_kubelet(),
            bindings: access.grants.iter().map(BindingData::of).collect(),
            unread: unread.collect(),
        }
    }
}

impl<'a> BindingData<'a> {
    fn of(grant: &'a Grant<'a>) -> Self {
        let binding = grant.binding;
        let (rules, reason) = match grant.rules {
            Rules::Known(rules) => (Some(rules.iter().map(RuleData::of).collect()), None),
            Rules::NoSuchRole => (None, Some("there is no such role")),
            Rules::Unread => (None, Some("the role cannot be read")),
        };
        Self {
            kind: binding.kind(),
            name: &binding.name,
            namespace: binding.namespace.as_deref(),
            role: RoleData::of(&binding.role),
            subjects: grant
                .subjects
                .iter()
                .map(|&one| SubjectData::of(one))
                .collect(),
            rules,
            reason,
        }
    }
}

impl<'a> RoleData<'a> {
    pub(in crate::output) fn of(role: &'a RoleRef) -> Self {
        Self {
            kind: role.kind.name(),
            name: &role.name,
        }
    }
}

impl<'a> UnreadData<'a> {
    pub(in crate::output) fn of(unread: &'a Unread) -> Self {
        Self {
            resource: &unread.resource,
            reason: &unread.why,
        }
    }
}

impl<'a> SubjectData<'a> {
    pub(in crate::output) fn of(subject: &'a Subject) -> Self {
        Self {
            kind: subject.kind(),
            name: subject.name(),
            namespace: match subject {
                Subject::ServiceAccount { namespace, .. } => Some(namespace),
                Subject::User(_) | Subject::Group(_) => None,
            },
        }
    }
}

impl<'a> RuleData<'a> {
    fn of(rule: &'a Rule) -> Self {
        Self {
            verbs: &rule.verbs,
            api_groups: &rule.api_groups,
            resources: &rule.resources,
            resource_names: &rule.resource_names,
            non_resource_urls: &rule.non_resource_urls,
        }
    }
}
