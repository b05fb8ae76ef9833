//! IAMIdentityMapping objects, as the authenticator knows them.

use serde_json::json;

use crate::desk::{CONFIG, CONTROLLER, Desk, NODE_ENTRY, developer, eventually, role};
use crate::support::cluster::Cluster;

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
fn they_are_honoured_when_the_flag_asks_for_it() {
    let desk = Desk::new(Cluster::start_audited(&[CONTROLLER]));
    desk.create(NODE_ENTRY, "eks");
    let controller = desk.controller_with(CONFIG, &["--iam-identity-mappings"], &[]);
    // Without their definition there are none; the others are honoured all the same, and it is said.
    desk.apply(&developer("ann"));
    desk.becomes("ann", "True Applied");
    let said = controller.said();
    assert!(
        said.contains("the cluster knows no IAMIdentityMapping"),
        "{said}"
    );

    desk.cluster.kubectl_fed(&["apply", "-f", "-"], CRD);
    let object = |groups: &[&str]| {
        json!({"apiVersion": "iamauthenticator.k8s.aws/v1alpha1", "kind": "IAMIdentityMapping", "metadata": {"name": "old"},
            "spec": {"arn": role("old"), "username": "old", "groups": groups}})
        .to_string()
    };
    let apply = |text: String| {
        eventually("the definition is in force", || {
            let file = desk.cluster.folder().join("old.json");
            std::fs::write(&file, &text).unwrap();
            let mut command = desk.cluster.kubectl_command();
            let run = crate::support::run::Run::of(command.args(["apply", "-f"]).arg(file));
            (run.status == 0).then_some(())
        });
    };
    apply(object(&["developers"]));
    eventually("the entry is there", || {
        desk.roles().contains(&role("old")).then_some(())
    });
    apply(object(&["view-all"]));
    eventually("it is changed", || {
        desk.roles().contains("view-all").then_some(())
    });
    let good = desk.roles();
    desk.write(
        "mapRoles",
        &good.replace("view-all", "view-none"),
        "kubectl-edit",
    );
    eventually("the drift is repaired", || {
        (desk.roles() == good).then_some(())
    });
    desk.cluster
        .kubectl(&["delete", "iamidentitymapping", "old", "--timeout=30s"]);
    eventually("the entry goes", || {
        (!desk.roles().contains(&role("old"))).then_some(())
    });
    let asked = desk.cluster.asked().into_iter();
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
    controller.asked_to_end();
}
