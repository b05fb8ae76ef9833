//! An aws-auth of two entries on the test cluster.

use std::process::Command;

use crate::support::cluster::Cluster;

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
