//! The aws-auth that the benchmarks read and write on the test cluster.

use std::process::Command;

use crate::support::cluster::Cluster;

/// kubectl's arguments that read aws-auth.
pub(crate) const KUBECTL_GET: [&str; 7] = [
    "get",
    "configmap",
    "aws-auth",
    "-n",
    "kube-system",
    "-o",
    "yaml",
];

/// awsauth's arguments for a mapping that already exists.
pub(crate) const MAP_NO_OP: [&str; 7] = map("arn:aws:iam::111122223333:role/admins");

/// awsauth's arguments for a new mapping.
pub(crate) const MAP_NEW: [&str; 7] = map(NEW_ROLE);

pub(crate) const NEW_ROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";

/// The node entry that eksctl writes, and one role for users.
const MAP_ROLES: &str = "\
- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/eksctl-demo-nodegroup-ng-1-NodeInstanceRole-1X2Y3Z4A5B6C
  username: system:node:{{EC2PrivateDNSName}}
- groups:
  - system:masters
  rolearn: arn:aws:iam::111122223333:role/admins
  username: admin
";

pub(crate) const fn map(arn: &str) -> [&str; 7] {
    [
        "map",
        "role",
        arn,
        "--username",
        "admin",
        "--group",
        "system:masters",
    ]
}

/// Creates aws-auth.
pub(crate) fn create(cluster: &Cluster) {
    let object = serde_json::json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": MAP_ROLES},
    });
    cluster.kubectl_fed(&["apply", "-f", "-"], &object.to_string());
}

/// Returns a `kubectl patch` that restores the first text.
pub(crate) fn patch_back(cluster: &Cluster) -> Command {
    let patch = serde_json::json!({"data": {"mapRoles": MAP_ROLES}});
    let mut kubectl = cluster.kubectl_command();
    kubectl
        .args([
            "patch",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "--type=merge",
            "-p",
        ])
        .arg(patch.to_string());
    kubectl
}
