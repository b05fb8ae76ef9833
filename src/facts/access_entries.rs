//! Access entries: what EKS itself keeps about who may enter a cluster, beside aws-auth or instead of it.
//! <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>

/// The type of the entries for people and programs. Every other type is for the nodes of one kind:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
pub const STANDARD: &str = "STANDARD";

/// The access policy that allows everything:
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
pub const CLUSTER_ADMIN: &str = "AmazonEKSClusterAdminPolicy";

/// One IAM principal whom EKS admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// A role's ARN, with its IAM path if it has one, or a user's.
    pub principal_arn: String,
    /// What it says; `None` when EKS was not asked for it, or did not tell.
    pub terms: Option<AccessTerms>,
}

/// What an access entry says of its principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTerms {
    /// EKS's word, such as [`STANDARD`] or `EC2_LINUX`.
    pub kind: String,
    /// The Kubernetes username, with its placeholders; `None` when EKS says none.
    pub username: Option<String>,
    /// The Kubernetes groups.
    pub groups: Vec<String>,
    /// What EKS allows it besides RBAC; `None` when EKS did not tell.
    pub policies: Option<Vec<AccessPolicy>>,
}

impl AccessTerms {
    /// Whether nodes sign in with it.
    pub fn is_for_nodes(&self) -> bool {
        self.kind != STANDARD
    }

    /// The policies, as far as they are known.
    pub fn policies(&self) -> &[AccessPolicy] {
        self.policies.as_deref().unwrap_or_default()
    }
}

/// Rights that EKS's own authorizer gives, of which RBAC knows nothing:
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPolicy {
    /// Such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`.
    pub arn: String,
    /// Where it counts.
    pub scope: AccessScope,
}

impl AccessPolicy {
    /// Its name, such as `AmazonEKSViewPolicy`.
    pub fn name(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or(&self.arn)
    }

    /// Whether it allows everything in the whole cluster.
    pub fn is_cluster_admin(&self) -> bool {
        self.name() == "AmazonEKSClusterAdminPolicy" && self.scope == AccessScope::Cluster
    }
}

/// Where an access policy counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessScope {
    /// In the whole cluster.
    Cluster,
    /// In the namespaces of these names, in which `*` stands for anything.
    Namespaces(Vec<String>),
}
