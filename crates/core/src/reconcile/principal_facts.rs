//! What AWS reports about the principals that objects request, besides the access entries.

use std::collections::BTreeSet;

use crate::arn::Parts;
use crate::document::{Principal, SsoRole};
use crate::facts::iam_inventory::{self, Existence, Listed};
use crate::permission_set::role_of;
use crate::plan::Known;

/// What to ask AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsQuery {
    /// The names of roles in the cluster's account, for their IAM path and their age.
    pub roles: BTreeSet<String>,
    /// Whether to list the roles of permission sets.
    pub permission_sets: bool,
    /// Whether to list the access policies.
    pub policies: bool,
}

/// The answers.
#[derive(Clone, Debug)]
pub struct AwsFacts {
    pub cluster_arn: Option<String>,
    /// Roles of the cluster's account.
    pub roles: Listed,
    /// The roles of all permission sets in the account of the controller's credentials.
    pub permission_set_roles: Known<Vec<iam_inventory::Principal>>,
    /// The ARNs of all access policies; `None` if they are unknown.
    pub policies: Option<Vec<String>>,
}

impl Default for AwsFacts {
    fn default() -> Self {
        Self {
            cluster_arn: None,
            roles: Listed::default(),
            permission_set_roles: Known::NotRequested,
            policies: None,
        }
    }
}

impl AwsQuery {
    /// Returns whether the answer to this query contains the answer to another one.
    pub fn includes(&self, other: &Self) -> bool {
        self.roles.is_superset(&other.roles)
            && (self.permission_sets || !other.permission_sets)
            && (self.policies || !other.policies)
    }
}

impl AwsFacts {
    fn cluster(&self) -> Option<Parts<'_>> {
        Parts::of(self.cluster_arn.as_deref()?)
    }

    /// Returns the partition of the cluster.
    pub(super) fn partition(&self) -> &str {
        self.cluster().map_or("aws", |parts| parts.partition)
    }

    /// Returns the name of the role with this ARN, if it is of the cluster's account.
    pub(super) fn own_role_name<'a>(&self, arn: &'a str) -> Option<&'a str> {
        let parts = Parts::of(arn).filter(|parts| parts.is("iam", "role"))?;
        (parts.account == self.cluster()?.account).then_some(parts.name)
    }

    /// Returns the role with this ARN, with or without its IAM path.
    pub(super) fn role(&self, arn: &str) -> Existence<'_> {
        self.own_role_name(arn)
            .map_or(Existence::Unknown, |name| self.roles.named(name))
    }

    /// Returns the principal of a permission set, with its IAM path.
    ///
    /// # Errors
    /// Why the role is unknown, and what to do; a sentence fragment.
    pub(super) fn permission_set_role(&self, sso: &SsoRole) -> Result<Principal, String> {
        let set = &sso.permission_set_name;
        let roles = match &self.permission_set_roles {
            Known::Is(roles) => roles,
            Known::NotRequested => {
                return Err(format!(
                    "the role of the permission set {set} is unknown: the controller needs --cluster-name, and AWS credentials that may iam:ListRoles"
                ));
            }
            Known::Unknown { needs } => {
                return Err(format!(
                    "the role of the permission set {set} is unknown: {needs}"
                ));
            }
        };
        let own_account = self.cluster().map(|parts| parts.account);
        role_of(set, Some(&sso.account_id), own_account, roles)
            .map(|role| Principal::Role(role.arn.clone()))
            .map_err(|error| format!("{error}; {}", error.hint()))
    }
}
