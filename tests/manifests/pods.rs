//! The pods under the level `restricted`, which the API server's own admission enforces.
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>

use serde_json::{Value, json};

use crate::rendered::{charted, kustomized, object};
use crate::site::Site;
use crate::support::run::Run;

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
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "namespace": "restricted"},
        "spec": deployment["spec"]["template"]["spec"],
    })
}

fn create(site: &Site, pod: &Value) -> Run {
    site.attempt(&[], &["create", "--dry-run=server", "-f", "-"], Some(pod))
}

#[test]
fn they_run_where_restricted_is_enforced() {
    let site = Site::start();
    site.cluster.kubectl_fed(&["apply", "-f", "-"], RESTRICTED);
    let cert_manager = ["webhook.enabled=true", "webhook.certManager.enabled=true"];
    for text in [
        kustomized("controller"),
        kustomized("controller-webhook"),
        charted(&cert_manager),
    ] {
        create(&site, &pod(&text)).says(0, &[]);
    }
    // It is enforced.
    let mut lax = pod(&kustomized("controller"));
    lax["spec"]["containers"][0]["securityContext"] = Value::Null;
    create(&site, &lax).says(1, &["violates PodSecurity \"restricted:latest\""]);
    let host = create(&site, &pod(&charted(&["hostNetwork=true"])));
    host.says(1, &["host namespaces"]);
}

#[test]
fn they_write_no_file_and_ask_for_what_they_take() {
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
