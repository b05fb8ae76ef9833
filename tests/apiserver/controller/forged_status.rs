//! A user with all permissions on mappings claims the entry of another client.

use std::process::Command;

use serde_json::json;

use crate::controller::harness::{
    CONFIG, CONTROLLER, FORGER, Harness, NODE_ENTRY, developer, eventually, mapping, role,
};
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;

/// All permissions on mappings, their status and the record of ownership.
const RIGHTS: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: forger}
rules:
- {apiGroups: [awsauth.dev], resources: [awsauthmappings, awsauthmappings/status, "awsauthmappings/*"], verbs: ["*"]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [awsauth-controller-ownership], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: forger}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: forger}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: forger}]
"#;

/// The user that the policy restricts.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:kube-system:awsauth-controller";

fn admin_entry() -> String {
    format!(
        "- rolearn: {}\n  username: admin\n  groups:\n  - system:masters\n",
        role("admin")
    )
}

/// The status that claims the entry of the administrator.
fn forged_status() -> String {
    let entry = json!({"section": "mapRoles", "key": role("admin"), "username": "admin", "groups": ["system:masters"]});
    json!({"status": {"entry": entry, "pending": [entry]}}).to_string()
}

impl Harness {
    fn as_forger(&self, args: &[&str]) -> Run {
        let mut command = Command::new(self.cluster.kubectl_path());
        command
            .env_clear()
            .env("HOME", self.cluster.folder())
            .env("KUBECONFIG", self.cluster.kubeconfig_for(FORGER.name));
        Run::of(command.args(args))
    }

    fn forge(&self, name: &str) -> Run {
        let status = forged_status();
        let args = ["patch", "aam", name, "--subresource=status"];
        self.as_forger(&[&args[..], &["--type=merge", "-p", &status]].concat())
    }
}

#[test]
fn forged_status_removes_no_entry() {
    let harness = Harness::shared();
    harness.cluster.kubectl_fed(&["apply", "-f", "-"], RIGHTS);
    let theirs = format!("{NODE_ENTRY}{}", admin_entry());
    harness.create(&theirs, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    // One object was never approved, the other owns an entry.
    harness.apply(&mapping(
        "unapproved",
        json!({"role": role("x"), "username": "x", "groups": ["system:masters"]}),
    ));
    harness.apply(&developer("approved"));
    harness.wait_for_ready("unapproved", "False Refused");
    harness.wait_for_ready("approved", "True Applied");
    for name in ["unapproved", "approved"] {
        eventually("the status is forged", || {
            (harness.forge(name).status == 0).then_some(())
        });
        let finalizer = json!({"metadata": {"finalizers": ["awsauth.dev/entry"]}}).to_string();
        harness
            .as_forger(&["patch", "aam", name, "--type=merge", "-p", &finalizer])
            .says(0, &[]);
        harness.forge(name).says(0, &[]);
        harness
            .as_forger(&["delete", "aam", name, "--timeout=60s"])
            .says(0, &[]);
    }
    eventually("the own entry is removed", || {
        (!harness.roles().contains("role/approved")).then_some(())
    });
    assert_eq!(harness.roles(), theirs);
    let log = controller.terminate();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn only_the_controller_writes_status_and_record() {
    let harness = Harness::new(Cluster::start_with(&[CONTROLLER, FORGER]));
    harness.cluster.kubectl_fed(&["apply", "-f", "-"], RIGHTS);
    let policy = include_str!("../../../manifests/chart/files/policies/awsauth-status.yaml");
    assert!(policy.contains(SERVICE_ACCOUNT));
    let policy = policy.replace(SERVICE_ACCOUNT, CONTROLLER.name);
    harness.cluster.kubectl_fed(&["apply", "-f", "-"], &policy);
    harness.create(NODE_ENTRY, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    harness.apply(&developer("ann"));
    harness.wait_for_ready("ann", "True Applied");
    eventually("the policy is enforced", || {
        let forged = harness.forge("ann");
        let is_denied = forged.status == 1 && forged.stderr.contains("only the controller");
        is_denied.then_some(())
    });
    let record = json!({"data": {"entries": ""}}).to_string();
    let args = ["patch", "configmap", "awsauth-controller-ownership"];
    let args = [
        &args[..],
        &["-n", "kube-system", "--type=merge", "-p", &record],
    ]
    .concat();
    harness.as_forger(&args).says(1, &["only the controller"]);
    // Without the record, the controller would never delete the access entries that it has created.
    let args = ["delete", "configmap", "awsauth-controller-ownership"];
    let args = [&args[..], &["-n", "kube-system"]].concat();
    harness.as_forger(&args).says(1, &["only the controller"]);
    // The controller writes both.
    harness.apply(&developer("bob"));
    harness.wait_for_ready("bob", "True Applied");
    harness.delete("ann");
    eventually("ann is deleted", || {
        (harness.object("ann").is_null() && !harness.roles().contains("role/ann")).then_some(())
    });
    let record = harness.cluster.kubectl(&[
        "get",
        "configmap",
        "awsauth-controller-ownership",
        "-n",
        "kube-system",
        "-o",
        "jsonpath={.data.entries}",
    ]);
    // What the controller wrote, and that it is removed with its object.
    assert_eq!(record.lines().count(), 2, "{record}");
    // A new process knows the record.
    controller.terminate();
    let controller = harness.controller(CONFIG).wait_for_lease();
    harness.delete("bob");
    eventually("the entry of bob is removed", || {
        (harness.roles() == NODE_ENTRY).then_some(())
    });
    controller.terminate();
}
