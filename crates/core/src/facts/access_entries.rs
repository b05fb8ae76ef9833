//! Access entries: EKS's own list of principals with access to a cluster.
//! <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>

/// The type of entries for users and programs. Every other type is for one kind of node:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
pub const STANDARD: &str = "STANDARD";

/// The access policy that allows everything:
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
pub const CLUSTER_ADMIN: &str = "AmazonEKSClusterAdminPolicy";

/// An access entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// The ARN of a user, or of a role with its IAM path.
    pub principal_arn: String,
    /// `None` if the entry was not described, or EKS did not describe it.
    pub terms: Option<AccessTerms>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`.
    pub arn: String,
    pub scope: AccessScope,
}

impl AccessPolicy {
    /// Returns the name, such as `AmazonEKSViewPolicy`.
    pub fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }

    /// Returns whether it allows everything in the whole cluster.
    pub(crate) fn is_cluster_admin(&self) -> bool {
        self.name() == CLUSTER_ADMIN && self.scope == AccessScope::Cluster
    }
}

/// The scope of an access policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessScope {
    Cluster,
    /// The namespaces with these names; `*` matches any text.
    Namespaces(Vec<String>),
}
