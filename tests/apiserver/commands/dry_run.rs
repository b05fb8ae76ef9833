//! A server dry run changes nothing.

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, eventually};

#[test]
fn server_dry_run_stores_nothing() {
    let session = ExclusiveCluster::start();
    let before = session.api.object();
    let asked = session.updates().dry;
    let run = session.map(&["--dry-run=server"]);
    run.says(0, &["Nothing was written."]);
    assert!(
        run.stdout.contains(&format!("+  rolearn: {MYTESTROLE}")),
        "{run:?}"
    );
    assert!(run.stdout.contains("gains user admin"), "{run:?}");
    assert_eq!(session.updates().dry, asked + 1);
    session.map(&["--dry-run"]).says(0, &[]);
    assert_eq!(
        session.updates().dry,
        asked + 2,
        "on a cluster, it means server"
    );
    session.map(&["--dry-run=client"]).says(0, &[]);
    assert_eq!(
        session.updates().dry,
        asked + 2,
        "a client dry run sends no dry run"
    );
    let desired = session.file(
        "dry.yaml",
        "- rolearn: arn:aws:iam::111122223333:role/other\n  username: other\n",
    );
    let desired = desired.to_str().unwrap();
    for args in [
        &["apply", "-f", desired, "--owner", "ci", "--dry-run=server"][..],
        &["unmap", "role", MYTESTROLE, "--dry-run=server"],
    ] {
        session.done(args);
    }
    assert_eq!(session.api.object(), before);
}

#[test]
fn server_dry_run_reports_admission_refusals() {
    let session = ExclusiveCluster::start();
    session.cluster.kubectl_fed(&["apply", "-f", "-"], POLICY);
    // The API server enforces a new policy only after a delay.
    let forbidden = "arn:aws:iam::111122223333:role/never";
    let mut args = crate::commands::harness::map_args(forbidden).to_vec();
    args.push("--dry-run=server");
    eventually(|| session.run(&args).status == 4);
    let before = session.api.object();
    let message = [
        "no role may be called never",
        "context admin",
        "hint: list the webhooks and policies",
    ];
    session.run(&args).says(4, &message);
    args.pop();
    session.run(&args).says(4, &message);
    assert_eq!(session.api.object(), before);
    session.map(&[]).says(0, &[]);
    session.cluster.kubectl(&[
        "delete",
        "validatingadmissionpolicy,validatingadmissionpolicybinding",
        "no-never",
    ]);
}

const POLICY: &str = r#"
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-never}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}
  validations:
  - expression: "!has(object.data) || !('mapRoles' in object.data) || !object.data['mapRoles'].contains('role/never')"
    message: no role may be called never
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-never}
spec: {policyName: no-never, validationActions: [Deny]}
"#;
