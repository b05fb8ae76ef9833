//! Mappings from AWS principals to Kubernetes users.

/// A mapping from an AWS principal to a Kubernetes user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub principal: Principal,
    /// The Kubernetes username, with unrendered templates; empty if the entry has none.
    pub username: String,
    /// The Kubernetes groups, with unrendered templates, in the order written.
    /// `None` is an absent or null list. The authenticator distinguishes it from `[]` only in its store.
    pub groups: Option<Vec<String>>,
}

impl Mapping {
    /// Returns the groups; an absent list is an empty one.
    pub fn groups(&self) -> &[String] {
        self.groups.as_deref().unwrap_or_default()
    }
}

/// The AWS principal of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// `rolearn` of a mapRoles entry, as written.
    Role(String),
    /// `sso` of a mapRoles entry.
    Sso(Box<SsoRole>),
    /// `userarn` of a mapUsers entry, as written.
    User(String),
    /// An element of mapAccounts, as written.
    Account(String),
}

impl Principal {
    /// Returns its ARN or account as written, or the name of the permission set.
    pub fn text(&self) -> &str {
        match self {
            Self::Role(text) | Self::User(text) | Self::Account(text) => text,
            Self::Sso(sso) => &sso.permission_set_name,
        }
    }
}

/// The `sso` matcher of a mapRoles entry.
///
/// It works only if the authenticator's alpha feature gate `SSORoleMatch` is enabled:
/// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/config/features.go>
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SsoRole {
    /// `permissionSetName`
    pub permission_set_name: String,
    /// `accountID`, twelve digits
    pub account_id: String,
    /// `partition`; empty if absent
    pub partition: String,
}
