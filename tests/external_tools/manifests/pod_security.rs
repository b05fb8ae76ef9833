//! The pods comply with the Pod Security Standard `restricted`, which the API server enforces.
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>

use serde_json::{Value, json};

use crate::manifests::cluster_with_manifests::Harness;
use crate::manifests::same_rendering::{charted, kustomized, object, with_backup};
use crate::support::completed_run::Run;

const RESTRICTED: &str = r#"
apiVersion: v1
kind: Namespace
metadata:
  name: restricted
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: latest
"#;

fn pod(rendered: &str) -> Value {
    let deployment = object(rendered, "Deployment", "awsauth-controller");
    pod_of(&deployment["spec"]["template"]["spec"])
}

fn backup_pod(rendered: &str) -> Value {
    let job = object(rendered, "CronJob", "awsauth-backup");
    pod_of(&job["spec"]["jobTemplate"]["spec"]["template"]["spec"])
}

fn pod_of(spec: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "namespace": "restricted"},
        "spec": spec,
    })
}

fn create(harness: &Harness, pod: &Value) -> Run {
    harness.kubectl(&[], &["create", "--dry-run=server", "-f", "-"], Some(pod))
}

#[test]
fn pods_run_under_the_restricted_policy() {
    let harness = Harness::start();
    harness
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], RESTRICTED);
    let cert_manager = ["webhook.enabled=true", "webhook.certManager.enabled=true"];
    for text in [
        kustomized("controller"),
        kustomized("controller-webhook"),
        charted(&cert_manager),
    ] {
        create(&harness, &pod(&text)).says(0, &[]);
    }
    create(&harness, &backup_pod(&with_backup("policy-only"))).says(0, &[]);
    // The standard is enforced.
    let mut lax = pod(&kustomized("controller"));
    lax["spec"]["containers"][0]["securityContext"] = Value::Null;
    create(&harness, &lax).says(1, &["violates PodSecurity \"restricted:latest\""]);
    let host = create(&harness, &pod(&charted(&["hostNetwork=true"])));
    host.says(1, &["host namespaces"]);
}

#[test]
fn pods_are_read_only_and_request_their_resources() {
    for text in [
        kustomized("controller-webhook"),
        charted(&["webhook.enabled=true"]),
    ] {
        let spec = pod(&text)["spec"].take();
        let container = &spec["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(spec["securityContext"]["runAsUser"], 65532);
        for part in ["requests", "limits"] {
            for resource in ["cpu", "memory"] {
                assert!(container["resources"][part][resource].is_string());
            }
        }
        assert_eq!(spec["priorityClassName"], "system-cluster-critical");
    }
}
