//! Access entries: EKS's own list of principals with access to a cluster.
//! <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::iam_inventory::{Existence, Principal, Principals};
use super::partitions::Partition;

/// The type of entries for users and programs. Every other type is for one kind of node:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
pub const STANDARD: &str = "STANDARD";

/// The type of entries for nodes of Auto Mode, which have an access policy:
/// <https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html>
pub const AUTO_MODE: &str = "EC2";

/// The access policy of the nodes of Auto Mode:
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
pub const AUTO_NODE: &str = "AmazonEKSAutoNodePolicy";

/// The access policy that allows everything:
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
pub const CLUSTER_ADMIN: &str = "AmazonEKSClusterAdminPolicy";

/// The ClusterRole of Kubernetes that allows everything:
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles>
pub const CLUSTER_ADMIN_ROLE: &str = "cluster-admin";

/// An access entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// The ARN of a user, or of a role with its IAM path.
    pub principal_arn: String,
    /// `None` if the entry was not described, or EKS did not describe it.
    pub terms: Option<AccessTerms>,
}

impl AccessEntry {
    /// Returns whether the entry is bound to a deleted principal, because it is older than the one of this name. EKS then
    /// does not let the principal sign in: <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>
    pub fn is_older_than(&self, principal: &Principal) -> bool {
        let created = self.terms.as_ref().and_then(|terms| terms.created_at);
        let both = created.zip(principal.created_at);
        both.is_some_and(|(entry, principal)| entry < principal)
    }
}

/// Whether EKS lets in the principal of an access entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    Alive,
    /// The entry is older than its principal, which was deleted and created again.
    Dead,
    /// The principal does not exist.
    Orphaned,
    /// IAM did not return the principal, such as one of another account.
    Unknown,
}

impl Liveness {
    /// Compares an entry with its principal in IAM.
    pub fn of(entry: &AccessEntry, principals: Option<&Principals>) -> Self {
        let known = principals.and_then(|all| all.existence(&entry.principal_arn));
        match known {
            Some(Existence::Absent) => Self::Orphaned,
            // EKS reports no time, or IAM has a role of this name with another path.
            Some(Existence::Exists(principal))
                if principal.created_at.is_none()
                    || principal.arn != entry.principal_arn
                    || entry
                        .terms
                        .as_ref()
                        .is_none_or(|terms| terms.created_at.is_none()) =>
            {
                Self::Unknown
            }
            Some(Existence::Exists(principal)) if entry.is_older_than(principal) => Self::Dead,
            Some(Existence::Exists(_)) => Self::Alive,
            Some(Existence::Unknown) | None => Self::Unknown,
        }
    }
}

/// The contents of an access entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTerms {
    /// Such as [`STANDARD`] or `EC2_LINUX`.
    pub kind: String,
    /// The Kubernetes username with its placeholders; `None` if EKS reports none.
    pub username: Option<String>,
    /// The Kubernetes groups.
    pub groups: Vec<String>,
    /// The access policies; `None` if EKS did not list them.
    pub policies: Option<Vec<AccessPolicy>>,
    pub tags: BTreeMap<String, String>,
    /// The ARN of the entry itself; `None` if EKS does not report it.
    pub arn: Option<String>,
    /// `None` if EKS does not report it.
    pub created_at: Option<Timestamp>,
}

impl Default for AccessTerms {
    /// Returns an entry of type [`STANDARD`] without groups, whose policies are unknown.
    fn default() -> Self {
        Self {
            kind: STANDARD.to_owned(),
            username: None,
            groups: Vec::new(),
            policies: None,
            tags: BTreeMap::new(),
            arn: None,
            created_at: None,
        }
    }
}

impl AccessTerms {
    /// Returns whether it is an entry for nodes.
    pub fn is_for_nodes(&self) -> bool {
        self.kind != STANDARD
    }

    /// Returns the known access policies.
    pub fn policies(&self) -> &[AccessPolicy] {
        self.policies.as_deref().unwrap_or_default()
    }
}

/// An associated access policy. EKS's own authorizer evaluates it, independently of RBAC:
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessPolicy {
    /// Such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`.
    pub arn: String,
    pub scope: AccessScope,
}

impl AccessPolicy {
    /// Returns the name, such as `AmazonEKSViewPolicy`.
    pub fn name(&self) -> &str {
        policy_name(&self.arn)
    }

    /// Returns whether it allows everything in the whole cluster.
    pub fn is_cluster_admin(&self) -> bool {
        self.name() == CLUSTER_ADMIN && self.scope == AccessScope::Cluster
    }
}

/// Returns the name of the access policy with this ARN, such as `AmazonEKSViewPolicy`.
pub fn policy_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Returns why this is not the ARN of an access policy, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`:
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
pub fn policy_fault(arn: &str) -> Option<&'static str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &[_, partition, service, region, owner, resource] = parts.as_slice() else {
        return Some("it is not an ARN");
    };
    if Partition::named(partition).is_none() {
        return Some("its partition does not exist");
    }
    if service != "eks" {
        return Some("it belongs to another service, and IAM policies cannot be associated");
    }
    let name = resource.strip_prefix("cluster-access-policy/");
    let is_name = |name: &str| name.starts_with("Amazon") && !name.contains('/');
    let has_form = region.is_empty() && owner == "aws" && name.is_some_and(is_name);
    (!has_form).then_some("its form is arn:PARTITION:eks::aws:cluster-access-policy/NAME")
}

/// The scope of an access policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccessScope {
    Cluster,
    /// The namespaces with these names; `*` matches any text.
    Namespaces(Vec<String>),
}

impl fmt::Display for AccessScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster => f.write_str("in the whole cluster"),
            Self::Namespaces(names) => match names.as_slice() {
                [name] => write!(f, "in namespace {name}"),
                names => write!(f, "in namespaces {}", names.join(", ")),
            },
        }
    }
}
