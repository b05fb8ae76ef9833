//! Facts that guards need besides the document.

use std::collections::BTreeSet;

use crate::authenticator::User;
use crate::facts::access_entries::AccessEntry;
use crate::facts::authentication_mode::AuthenticationMode;

/// Facts that guards need besides the document, collected once for a run.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The cluster's authentication mode, if EKS reports it.
    pub mode: Option<AuthenticationMode>,
    /// The cluster's AWS account, if EKS reports it.
    pub account: Option<String>,
    /// The user who writes.
    pub caller: Known<Caller>,
    /// The subjects of the bindings to the ClusterRole `cluster-admin`.
    pub admins: Known<Admins>,
    /// Whether these users can update aws-auth, as far as the API server has reported it.
    pub may_update: Vec<(User, Known<bool>)>,
    /// Whether an access entry makes its principal an administrator.
    pub access_entry_of_admin: Known<bool>,
    /// Whether IAM still has the principals of these access entries, by ARN, as far as it was asked.
    pub living_principals: Vec<(String, Known<bool>)>,
}

/// A fact, or why it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Known<T> {
    /// Not requested: there is no server, or no guard has needed it yet.
    #[default]
    NotRequested,
    /// Requested, and not available.
    Unknown {
        /// The permission or condition that is missing; a fragment.
        needs: String,
    },
    /// The fact.
    Is(T),
}

/// The user who writes, as the API server and the authenticator identify it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The Kubernetes user and groups.
    pub user: User,
    /// The caller's ARN; `None` if it is not an AWS identity.
    pub arn: Option<String>,
    /// The role session name.
    pub session_name: Option<String>,
    /// The AWS access key ID.
    pub access_key_id: Option<String>,
}

/// The subjects of the ClusterRoleBindings to `cluster-admin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admins {
    pub users: BTreeSet<String>,
    pub groups: BTreeSet<String>,
}

/// A fact that a guard needs before it can decide. It is looked up only if a guard needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenQuestion {
    /// Whether this user can update aws-auth.
    MayUpdate(User),
    /// The subjects bound to `cluster-admin`.
    Admins,
    /// Whether an access entry makes its principal an administrator.
    AccessEntryOfAdmin,
    /// Whether IAM still has the principal of one of these access entries.
    LivingPrincipal(Vec<AccessEntry>),
}
