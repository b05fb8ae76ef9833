//! A deleted aws-auth is restored, and what other clients write is in the history.

use serde_json::{Value, json};

use crate::controller::harness::{CONFIG, Harness, NODE_ENTRY, developer, eventually, role};
use crate::support::completed_run::Run;

/// Refuses an aws-auth with the administrator.
const NO_ADMIN: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-admin}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}
  validations:
  - {expression: "object.metadata.name != 'aws-auth' || !object.data.mapRoles.contains('role/admin')", message: no administrators}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-admin}
spec: {policyName: no-admin, validationActions: [Deny]}
"#;

/// The field manager of another client.
const OTHER: &str = "kubectl-edit";

impl Harness {
    fn delete_aws_auth(&self) {
        let args = ["delete", "configmap", "aws-auth", "-n", "kube-system"];
        self.cluster.kubectl(&args);
    }

    /// Waits until aws-auth has this data.
    #[track_caller]
    fn wait_for_data(&self, what: &str, data: &Value) {
        eventually(what, || (self.aws_auth()["data"] == *data).then_some(()));
    }

    #[track_caller]
    fn wait_for_event(&self, part: &str) {
        eventually(part, || self.events().contains(part).then_some(()));
    }

    /// Waits until the newest foreign revision is by this field manager, and returns it.
    #[track_caller]
    fn wait_for_foreign(&self, what: &str, test: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || {
            let foreign = |revision: &Value| revision["foreign"] == true && test(revision);
            self.revisions().into_iter().rev().find(foreign)
        })
    }
}

fn entry(name: &str) -> String {
    format!("- rolearn: {}\n  username: {name}\n", role(name))
}

/// A cluster with an administrator, a node entry, and an object.
fn cluster() -> Harness {
    let harness = Harness::shared();
    let admin = format!("{}  groups: [system:masters]\n", entry("admin"));
    harness.create(&format!("{NODE_ENTRY}{admin}"), "eksctl");
    harness.apply(&developer("ann"));
    harness
}

#[test]
fn deleted_aws_auth_is_restored_with_the_entries_of_other_clients() {
    let harness = cluster();
    let controller = harness.controller(CONFIG).wait_for_lease();
    harness.wait_for_ready("ann", "True Applied");
    let bob = role("bob");
    harness
        .awsauth(&["map", "role", &bob, "--username", "bob"])
        .says(0, &[]);

    // A foreign edit right before the deletion.
    let edited = format!("{}{}", harness.roles(), entry("carl"));
    harness.write("mapRoles", &edited, OTHER);
    let data = harness.aws_auth()["data"].clone();
    harness.delete_aws_auth();
    harness.wait_for_data("the whole text is restored", &data);
    harness.wait_for_event(
        "Restored aws-auth: aws-auth was deleted; the controller restored its last state",
    );
    harness.wait_for_ready("ann", "True Applied");
    harness.wait_for_foreign("the deletion is recorded", |revision| {
        revision["after"] == "missing"
    });
    let last = harness.revisions().pop().unwrap();
    assert_eq!(last["command"], json!(["awsauth", "controller"]));
    assert_eq!(last["reason"], "aws-auth was deleted");
    assert_eq!(
        (&last["before"], &last["then"]),
        (&json!("missing"), &json!("kept"))
    );
    let table = harness.awsauth(&["history"]).stdout;
    assert!(table.contains("foreign deletion"), "{table}");

    let all_kept = harness.revisions().iter().all(|of| of["then"] == "kept");
    assert!(all_kept, "{:?}", harness.revisions());

    // There is nothing left to restore, and an undo does not remove everything.
    let restored = harness.awsauth(&["restore"]);
    restored.says(0, &["Restoring what was there after"]);
    assert_eq!(restored.stdout, "configmap/aws-auth unchanged\n");
    let refused = "created aws-auth after it was deleted, so undoing it would remove every entry";
    harness
        .awsauth(&["undo"])
        .says(4, &[refused, "awsauth restore"]);
    assert_eq!(harness.aws_auth()["data"], data);

    // A foreign edit that is only a change.
    let edited = format!("{}{}", harness.roles(), entry("dora"));
    harness.write("mapRoles", &edited, OTHER);
    let data = harness.aws_auth()["data"].clone();
    let foreign = harness.wait_for_foreign("the edit is recorded", |revision| {
        revision["before"] == last["after"] && revision["manager"] == OTHER
    });
    assert_eq!(
        (&foreign["manager"], &foreign["then"]),
        (&json!(OTHER), &json!("kept"))
    );
    let number = foreign["revision"].to_string();
    let shown = harness.awsauth(&["history", "show", &number]).stdout;
    assert!(
        shown.contains("manager: kubectl-edit") && shown.contains("dora"),
        "{shown}"
    );
    let undo = harness.awsauth(&["undo", &number, "--dry-run"]);
    undo.says(0, &["Undoing revision", "foreign change"]);
    assert!(undo.stdout.contains("dora loses"), "{undo:?}");

    // Deleted while no controller runs: the history has the last state.
    controller.terminate();
    harness.delete_aws_auth();
    let restore = harness.awsauth(&["restore", "--dry-run"]);
    restore.says(0, &["by kubectl-edit"]);
    assert!(
        restore.stdout.contains("configmap/aws-auth created"),
        "{restore:?}"
    );
    // The controller does not restore it: other clients may write the history.
    let controller = harness.controller(CONFIG).wait_for_lease();
    eventually("aws-auth is created from the objects", || {
        let roles = harness.roles();
        (roles.contains(&role("ann")) && !roles.contains(&role("admin"))).then_some(())
    });
    harness.awsauth(&["restore"]).says(0, &[]);
    harness.wait_for_data("the text before the deletion is restored", &data);
    controller.terminate();
}

#[test]
fn last_text_can_be_restored_if_the_controller_wrote_only_its_objects() {
    let harness = cluster();
    let more = ["--on-deletion=objects"];
    let controller = harness.controller_with(CONFIG, &more, &[]).wait_for_lease();
    harness.wait_for_ready("ann", "True Applied");
    harness
        .awsauth(&["map", "role", &role("bob"), "--username", "bob"])
        .says(0, &[]);
    let data = harness.aws_auth()["data"].clone();
    harness.delete_aws_auth();
    eventually("aws-auth is created from the objects", || {
        let roles = harness.roles();
        (roles.contains(&role("ann")) && !roles.contains(&role("admin"))).then_some(())
    });
    // A later write of the controller does not hide the deletion.
    harness.apply(&developer("eve"));
    harness.wait_for_ready("eve", "True Applied");
    harness.delete("eve");
    eventually("eve is removed", || {
        (!harness.roles().contains(&role("eve"))).then_some(())
    });

    let creation = harness
        .revisions()
        .into_iter()
        .rev()
        .find(|revision| revision["before"] == "missing");
    let creation = creation.unwrap()["revision"].to_string();
    harness
        .awsauth(&["undo", &creation])
        .says(4, &["would remove every entry", "awsauth restore"]);
    let restored = harness.awsauth(&["restore"]);
    restored.says(0, &["Restoring what was there before", "foreign deletion"]);
    harness.wait_for_data("the text before the deletion is restored", &data);
    controller.terminate();
}

#[test]
fn objects_are_written_if_the_text_cannot_be_restored() {
    let harness = cluster();
    let controller = harness.controller(CONFIG).wait_for_lease();
    harness.wait_for_ready("ann", "True Applied");
    // The history cannot be written.
    let history = ["configmap", "awsauth-history", "-n", "kube-system"];
    let patch = ["--type=merge", "-p", r#"{"immutable":true}"#];
    harness
        .cluster
        .kubectl(&[&["patch"], &history[..], &patch].concat());
    harness.write(
        "mapRoles",
        &format!("{}{}", harness.roles(), entry("carl")),
        OTHER,
    );
    eventually("the failure is logged", || {
        controller
            .log()
            .contains("a write of another client is not in the history")
            .then_some(())
    });
    harness
        .cluster
        .kubectl(&[&["delete"], &history[..]].concat());

    // A policy refuses the text.
    harness.cluster.kubectl_fed(&["apply", "-f", "-"], NO_ADMIN);
    eventually("the policy is enforced", || {
        let dry_run = [
            "annotate",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "a=b",
            "--dry-run=server",
        ];
        let mut kubectl = harness.cluster.kubectl_command();
        (Run::of(kubectl.args(dry_run)).status != 0).then_some(())
    });
    harness.delete_aws_auth();
    eventually("aws-auth is created from the objects", || {
        let roles = harness.roles();
        (roles.contains(&role("ann")) && !roles.contains(&role("admin"))).then_some(())
    });
    harness.wait_for_event("RestoreRefused aws-auth: aws-auth was deleted, and the controller cannot restore its last state");
    harness.wait_for_event("to restore all, run: awsauth restore");
    controller.terminate();
}

#[test]
fn drift_by_a_command_names_its_user() {
    let harness = cluster();
    let controller = harness.controller(CONFIG).wait_for_lease();
    harness.wait_for_ready("ann", "True Applied");
    harness
        .awsauth(&["unmap", "role", &role("ann")])
        .says(0, &[]);
    eventually("the drift is repaired", || {
        harness.roles().contains(&role("ann")).then_some(())
    });
    harness.wait_for_event("by field manager awsauth (user admin)");
    assert!(
        !harness.events().contains("another client"),
        "{}",
        harness.events()
    );
    let revisions = harness.revisions();
    let foreign = revisions
        .iter()
        .filter(|revision| revision["foreign"] == true);
    let creation: Vec<_> = foreign.map(|revision| &revision["manager"]).collect();
    assert_eq!(creation, ["eksctl"], "{revisions:?}");
    assert!(
        revisions.iter().all(|revision| revision["then"] == "kept"),
        "{revisions:?}"
    );
    controller.terminate();
}

/// Whatever the controller does at that moment, such as recording what it is about to write.
#[test]
fn aws_auth_deleted_during_a_reconciliation_is_restored() {
    let harness = Harness::shared();
    let theirs = format!("{NODE_ENTRY}{}", entry("theirs"));
    harness.create(&theirs, "eks");
    let controller = harness.controller(CONFIG).wait_for_lease();
    for round in 0..8 {
        for number in 0..10 {
            harness.apply(&developer(&format!("dev-{round}-{number}")));
        }
        std::thread::sleep(std::time::Duration::from_millis(40 * round));
        harness.delete_aws_auth();
        eventually("aws-auth is restored", || {
            harness.roles().starts_with(&theirs).then_some(())
        });
        harness.wait_for_ready(&format!("dev-{round}-9"), "True Applied");
        assert!(harness.roles().starts_with(&theirs), "{}", harness.roles());
    }
    controller.terminate();
}
