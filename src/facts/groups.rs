//! Groups that Kubernetes itself knows.

/// The group that may do everything without asking RBAC.
/// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubeapiserver/authorizer/reload.go>
pub const MASTERS: &str = "system:masters";

/// What every node needs:
/// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
pub const OF_NODES: [&str; 2] = ["system:bootstrappers", "system:nodes"];
