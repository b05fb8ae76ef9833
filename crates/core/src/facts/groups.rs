//! Groups with a meaning in Kubernetes or EKS.

/// The group whose members may do anything, without an RBAC check.
/// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubeapiserver/authorizer/reload.go>
pub const MASTERS: &str = "system:masters";

/// The group of all authenticated users, which the API server adds:
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/>
pub const AUTHENTICATED: &str = "system:authenticated";

/// The groups that every node needs:
/// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
pub(crate) const OF_NODES: [&str; 2] = ["system:bootstrappers", "system:nodes"];

/// The additional groups of Fargate and Windows nodes, which have the permissions of kube-proxy.
/// <https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html>
pub(crate) const OF_PROXIES: [&str; 2] = ["system:node-proxier", "eks:kube-proxy-windows"];

/// The built-in groups that appear in aws-auth.
pub(crate) const BUILT_IN: [&str; 5] = [
    MASTERS,
    OF_NODES[1],
    OF_NODES[0],
    OF_PROXIES[0],
    OF_PROXIES[1],
];
