//! IAMIdentityMapping objects of the authenticator.

use serde_json::json;

use crate::controller::harness::{
    CONFIG, CONTROLLER, Harness, NODE_ENTRY, developer, eventually, role,
};

/// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/deploy/iamidentitymapping.yaml>
const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: iamidentitymappings.iamauthenticator.k8s.aws}
spec:
  group: iamauthenticator.k8s.aws
  scope: Cluster
  names: {plural: iamidentitymappings, singular: iamidentitymapping, kind: IAMIdentityMapping}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [arn, username]
            properties:
              arn: {type: string}
              username: {type: string}
              groups: {type: array, items: {type: string}}
          status:
            type: object
            properties:
              canonicalARN: {type: string}
              userID: {type: string}
    subresources: {status: {}}
";

#[test]
fn iam_identity_mappings_are_honored_with_the_flag() {
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    let controller = harness.controller_with(CONFIG, &["--iam-identity-mappings"], &[]);
    // Without their CustomResourceDefinition, the controller reports it, and still applies AwsAuthMapping objects.
    harness.apply(&developer("ann"));
    harness.wait_for_ready("ann", "True Applied");
    let log = controller.log();
    assert!(
        log.contains("the cluster has no CustomResourceDefinition of IAMIdentityMapping"),
        "{log}"
    );

    harness.cluster.kubectl_fed(&["apply", "-f", "-"], CRD);
    let object = |groups: &[&str]| {
        json!({"apiVersion": "iamauthenticator.k8s.aws/v1alpha1", "kind": "IAMIdentityMapping", "metadata": {"name": "old"},
            "spec": {"arn": role("old"), "username": "old", "groups": groups}})
        .to_string()
    };
    let apply = |text: String| {
        eventually("the definition is effective", || {
            let file = harness.cluster.folder().join("old.json");
            std::fs::write(&file, &text).unwrap();
            let mut command = harness.cluster.kubectl_command();
            let run =
                crate::support::completed_run::Run::of(command.args(["apply", "-f"]).arg(file));
            (run.status == 0).then_some(())
        });
    };
    apply(object(&["developers"]));
    eventually("the entry is added", || {
        harness.roles().contains(&role("old")).then_some(())
    });
    apply(object(&["view-all"]));
    eventually("the entry is changed", || {
        harness.roles().contains("view-all").then_some(())
    });
    let good = harness.roles();
    harness.write(
        "mapRoles",
        &good.replace("view-all", "view-none"),
        "kubectl-edit",
    );
    eventually("the drift is repaired", || {
        (harness.roles() == good).then_some(())
    });
    harness
        .cluster
        .kubectl(&["delete", "iamidentitymapping", "old", "--timeout=30s"]);
    eventually("the entry is removed", || {
        (!harness.roles().contains(&role("old"))).then_some(())
    });
    let asked = harness.cluster.asked().into_iter();
    let written = asked.filter(|asked| {
        asked.user == CONTROLLER.name && asked.resource.starts_with("iamidentitymappings")
    });
    assert!(written.clone().count() > 0);
    assert!(
        written
            .clone()
            .all(|asked| ["list", "watch"].contains(&asked.verb.as_str())),
        "{:?}",
        written.collect::<Vec<_>>()
    );
    controller.terminate();
}
