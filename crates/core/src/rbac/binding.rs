/// A RoleBinding, or a ClusterRoleBinding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// Where it holds; `None` of a ClusterRoleBinding, which holds in the whole cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The role that it gives.
    pub role: RoleRef,
    /// The subjects.
    pub subjects: Vec<Subject>,
}

/// A role as a binding names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleRef {
    /// Of which kind it is.
    pub kind: RoleKind,
    /// Its name.
    pub name: String,
}

/// The kinds of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleKind {
    /// Of the whole cluster.
    ClusterRole,
    /// Of one namespace.
    Role,
}

/// A role, so that no two share a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role {
    /// The namespace of a Role; `None` of a ClusterRole.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// A subject of a binding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The user of this name.
    User(String),
    /// Everybody in the group of this name.
    Group(String),
    /// A service account, which is a user called `system:serviceaccount:NAMESPACE:NAME`.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// What is known of a role's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rules {
    /// The rules. Those of an aggregated ClusterRole are already in it when it is read.
    Known(Vec<Rule>),
    /// The role does not exist, so its bindings grant nothing until it is created.
    NoSuchRole,
    /// They could not be read.
    Unread,
}

/// A [`PolicyRule`](https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/cluster-role-v1/).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// `*` means all.
    pub verbs: Vec<String>,
    /// The empty text is the core group, `*` means all.
    pub api_groups: Vec<String>,
    /// With subresources, as in `pods/log`; `*` means all.
    pub resources: Vec<String>,
    /// The only objects that it is about; all when empty.
    pub resource_names: Vec<String>,
    /// Paths of the API server, maybe with a `*` at the end.
    pub non_resource_urls: Vec<String>,
}

impl Binding {
    /// `ClusterRoleBinding` or `RoleBinding`.
    pub fn kind(&self) -> &'static str {
        match self.namespace {
            None => "ClusterRoleBinding",
            Some(_) => "RoleBinding",
        }
    }

    /// The role that it gives. A Role is looked for in the binding's own namespace.
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
    /// As Kubernetes spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterRole => "ClusterRole",
            Self::Role => "Role",
        }
    }
}

impl Subject {
    /// As Kubernetes spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "User",
            Self::Group(_) => "Group",
            Self::ServiceAccount { .. } => "ServiceAccount",
        }
    }

    /// Its name, without a namespace.
    pub fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Group(name) | Self::ServiceAccount { name, .. } => name,
        }
    }
}
