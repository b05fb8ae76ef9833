//! Objects whose status cannot be written.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::controller::harness::{
    CONFIG, CONTROLLER, Harness, NODE_ENTRY, developer, eventually, role,
};
use crate::support::audit_log::Request;

/// Rejects every status update of the object `stuck`.
const POLICY: &str = "\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: stuck}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {apiGroups: [awsauth.dev], apiVersions: ['*'], operations: [UPDATE], resources: [awsauthmappings/status], resourceNames: [stuck]}
  validations:
  - expression: 'false'
    message: rejected by the test policy
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: stuck}
spec: {policyName: stuck, validationActions: [Deny]}
";

/// How long requests are counted.
const OBSERVED: Duration = Duration::from_secs(8);

#[test]
fn unrecordable_change_is_not_written_and_retried_with_backoff() {
    let harness = Harness::shared();
    harness.create(NODE_ENTRY, "eks");
    harness.apply(&developer("stuck"));
    harness.cluster.kubectl_fed(&["apply", "-f", "-"], POLICY);
    eventually("the policy is in force", || {
        let parameters = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        let patch = json!({"status": {"canonicalArn": "arn"}});
        let (objects, patch) = (harness.objects(), Patch::Merge(&patch));
        let patched = objects.patch_status("stuck", &parameters, &patch);
        let refused = harness.runtime.block_on(patched).err();
        refused
            .filter(|why| why.to_string().contains("rejected by the test policy"))
            .map(drop)
    });
    let controller = harness.controller(CONFIG).wait_for_lease();
    harness.apply(&developer("fine"));
    harness.wait_for_ready("fine", "True Applied");
    assert!(!harness.roles().contains(&role("stuck")));

    let before = harness.cluster.asked().len();
    std::thread::sleep(OBSERVED);
    let asked = harness.cluster.asked();
    let besides: Vec<&Request> = asked[before..]
        .iter()
        .filter(|asked| asked.user == CONTROLLER.name)
        .filter(|asked| asked.verb != "watch" && asked.resource != "leases")
        .collect();
    // About 1, 3 and 7 seconds after the first attempt, the controller reads aws-auth and tries again.
    assert!(besides.len() <= 10, "{besides:#?}");

    harness
        .cluster
        .kubectl(&["delete", "validatingadmissionpolicybinding", "stuck"]);
    harness.wait_for_ready("stuck", "True Applied");
    assert!(harness.roles().contains(&role("stuck")));
    let log = controller.terminate();
    assert!(log.contains("rejected by the test policy"), "{log}");
    assert!(!log.contains("ErrorResponse"), "{log}");
}
