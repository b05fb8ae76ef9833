//! RoleBindings, ClusterRoleBindings and the rules of roles.

use std::borrow::Cow;

/// The prefix of the usernames of service accounts:
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens>
pub(super) const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// A RoleBinding, or a ClusterRoleBinding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// The namespace; `None` for a ClusterRoleBinding, which applies to the whole cluster.
    pub namespace: Option<String>,
    pub name: String,
    pub role: RoleRef,
    pub subjects: Vec<Subject>,
}

/// A reference to a role in a binding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleRef {
    pub kind: RoleKind,
    pub name: String,
}

/// A kind of role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKind {
    ClusterRole,
    Role,
}

/// A role, identified uniquely in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role {
    /// The namespace of a Role; `None` for a ClusterRole.
    pub namespace: Option<String>,
    pub name: String,
}

/// A subject of a binding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The user with this name.
    User(String),
    /// All members of the group with this name.
    Group(String),
    /// A service account, whose username is `system:serviceaccount:NAMESPACE:NAME`.
    ServiceAccount { namespace: String, name: String },
}

/// What is known about a role's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rules {
    /// The rules. The API server returns an aggregated ClusterRole with the aggregated rules.
    Known(Vec<Rule>),
    /// The role does not exist, so its bindings grant nothing until it is created.
    NoSuchRole,
    /// The role could not be read.
    Unread,
}

/// A [`PolicyRule`](https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/cluster-role-v1/).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The verbs; `*` means all.
    pub verbs: Vec<String>,
    /// The API groups; an empty string is the core group, `*` means all.
    pub api_groups: Vec<String>,
    /// The resources, possibly with a subresource as in `pods/log`; `*` means all.
    pub resources: Vec<String>,
    /// The names of the objects to which the rule is limited; empty for all objects.
    pub resource_names: Vec<String>,
    /// Paths of the API server, possibly with a `*` at the end.
    pub non_resource_urls: Vec<String>,
}

impl Binding {
    /// Returns `ClusterRoleBinding` or `RoleBinding`.
    pub fn kind(&self) -> &'static str {
        match self.namespace {
            None => "ClusterRoleBinding",
            Some(_) => "RoleBinding",
        }
    }

    /// Returns the bound role. A Role is in the binding's namespace.
    pub fn role(&self) -> Role {
        Role {
            namespace: match self.role.kind {
                RoleKind::ClusterRole => None,
                RoleKind::Role => self.namespace.clone(),
            },
            name: self.role.name.clone(),
        }
    }
}

impl RoleKind {
    /// Returns the name that Kubernetes uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterRole => "ClusterRole",
            Self::Role => "Role",
        }
    }
}

impl Subject {
    /// Returns the name that Kubernetes uses.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "User",
            Self::Group(_) => "Group",
            Self::ServiceAccount { .. } => "ServiceAccount",
        }
    }

    /// Returns the username of a user or a service account; the name of a group.
    pub(super) fn username(&self) -> Cow<'_, str> {
        match self {
            Self::User(name) | Self::Group(name) => Cow::Borrowed(name),
            Self::ServiceAccount { namespace, name } => {
                Cow::Owned(format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"))
            }
        }
    }

    /// Returns the name, without a namespace.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Group(name) | Self::ServiceAccount { name, .. } => name,
        }
    }
}
