//! Groups that Kubernetes itself knows.

/// The group that may do everything without asking RBAC.
/// Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubeapiserver/authorizer/reload.go>
pub const MASTERS: &str = "system:masters";

/// The group of everybody who signed in. The API server adds it by itself:
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/>
pub const AUTHENTICATED: &str = "system:authenticated";

/// What every node needs:
/// <https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html>
pub const OF_NODES: [&str; 2] = ["system:bootstrappers", "system:nodes"];

/// What EKS gives to nodes of some kinds besides: kube-proxy's rights, of Fargate and of Windows.
/// <https://docs.aws.amazon.com/eks/latest/userguide/windows-support.html>
pub const OF_PROXIES: [&str; 2] = ["system:node-proxier", "eks:kube-proxy-windows"];

/// The groups that an aws-auth is written for. Kubernetes or EKS gives each a meaning.
pub const BUILT_IN: [&str; 5] = [
    MASTERS,
    OF_NODES[1],
    OF_NODES[0],
    OF_PROXIES[0],
    OF_PROXIES[1],
];
