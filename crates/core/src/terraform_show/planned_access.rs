//! The access entries and the roles of nodes in a plan.

use std::sync::Arc;

use serde_json::Value;

use crate::facts::access_entries::STANDARD;

/// The access that a plan creates or keeps besides aws-auth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedAccess {
    /// Shared, because a plan with many aws-auths has them for each.
    pub entries: Arc<[PlannedAccessEntry]>,
    pub nodes: Vec<PlannedNodes>,
    pub policies: Vec<PlannedPolicy>,
}

/// A resource `aws_eks_access_policy_association`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPolicy {
    pub address: String,
    pub policy_arn: String,
}

/// A resource `aws_eks_access_entry`:
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/eks_access_entry>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedAccessEntry {
    pub address: String,
    pub principal_arn: String,
    /// Such as `STANDARD`, which is the default.
    pub kind: String,
    pub cluster: Option<String>,
}

/// A resource whose nodes use a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedNodes {
    pub address: String,
    pub role: String,
    pub cluster: Option<String>,
}

impl PlannedAccess {
    /// Returns the part that has an effect on aws-auth.
    #[must_use]
    pub fn of_aws_auth(&self) -> Self {
        Self {
            entries: Arc::clone(&self.entries),
            ..Self::default()
        }
    }

    /// Reads resources, each with its planned values.
    pub(super) fn of<'v>(resources: impl Iterator<Item = (&'v Value, &'v Value)>) -> Self {
        let mut access = Self::default();
        let mut entries = Vec::new();
        for (resource, values) in resources {
            let text = |of: &Value, key: &str| Some(of.get(key)?.as_str()?.to_owned());
            let Some(address) = text(resource, "address") else {
                continue;
            };
            let cluster = text(values, "cluster_name");
            let role_key = match text(resource, "type").as_deref() {
                Some("aws_eks_access_entry") => {
                    let kind = text(values, "type").unwrap_or_else(|| STANDARD.to_owned());
                    entries.extend(text(values, "principal_arn").map(|principal_arn| {
                        PlannedAccessEntry {
                            address,
                            principal_arn,
                            kind,
                            cluster,
                        }
                    }));
                    continue;
                }
                Some("aws_eks_access_policy_association") => {
                    let policy = text(values, "policy_arn");
                    access
                        .policies
                        .extend(policy.map(|policy_arn| PlannedPolicy {
                            address,
                            policy_arn,
                        }));
                    continue;
                }
                Some("aws_eks_node_group") => "node_role_arn",
                Some("aws_eks_fargate_profile") => "pod_execution_role_arn",
                _ => continue,
            };
            let nodes = text(values, role_key).map(|role| PlannedNodes {
                address,
                role,
                cluster,
            });
            access.nodes.extend(nodes);
        }
        Self {
            entries: entries.into(),
            ..access
        }
    }
}
