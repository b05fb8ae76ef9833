//! Reviews of objects that request mappings.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::completed_run::Run;
use crate::webhook::harness::{Harness, eventually};

const DENIED: &str = "admission webhook \"mappings.awsauth.dev\" denied the request";

const CONFIG: &str = r#"
grants:
- accounts: ["111122223333"]
  groups: [devs]
  usernames: [dev]
  requesters: {users: [ann], groups: [platform]}
"#;

/// The webhook for mappings of the manifests, with a URL instead of a Service.
fn webhook(port: u16) -> Value {
    let overlay =
        include_str!("../../../manifests/overlays/controller-requesters/kustomization.yaml");
    let overlay: Value = serde_yaml::from_str(overlay).unwrap();
    let patch = overlay["patches"][0]["patch"].as_str().unwrap();
    let patch: Value = serde_yaml::from_str(patch).unwrap();
    let mut webhook = patch[0]["value"].clone();
    assert_eq!(webhook["name"], "mappings.awsauth.dev");
    webhook["clientConfig"] = json!({"url": format!("https://127.0.0.1:{port}/admit/mappings")});
    webhook
}

fn mapping(name: &str, username: &str) -> Value {
    json!({
        "apiVersion": "awsauth.dev/v1alpha1",
        "kind": "AwsAuthMapping",
        "metadata": {"name": name},
        "spec": {"role": format!("arn:aws:iam::111122223333:role/{name}"), "username": username, "groups": ["devs"]},
    })
}

impl Harness {
    fn create(&self, object: &Value, user: &[&str]) -> Run {
        self.kubectl_with_input(&[&["create", "-f", "-"], user].concat(), object)
    }
}

#[test]
fn only_requesters_may_use_a_grant_and_only_the_controller_writes_status() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), CONFIG).unwrap();
    let harness = Harness::start_with(&["--config", config.path().to_str().unwrap()]);
    let crd = Run::of(
        Command::new(env!("CARGO_BIN_EXE_awsauth"))
            .arg("crd")
            .env_clear(),
    );
    harness
        .cluster
        .kubectl_fed(&["apply", "--server-side", "-f", "-"], &crd.stdout);
    harness.cluster.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd/awsauthmappings.awsauth.dev",
        "--timeout=60s",
    ]);
    harness.cluster.kubectl(&[
        "create",
        "clusterrole",
        "mapper",
        "--verb=*",
        "--resource=awsauthmappings.awsauth.dev,awsauthmappings.awsauth.dev/status",
    ]);
    let bind = [
        "create",
        "clusterrolebinding",
        "mapper",
        "--clusterrole=mapper",
    ];
    let subjects = ["--user=ann", "--user=mallory", "--group=platform"];
    harness.cluster.kubectl(&[&bind[..], &subjects].concat());
    // The webhook was added later: the controller sets its CA bundle, too.
    let add =
        json!([{"op": "add", "path": "/webhooks/-", "value": webhook(harness.controller.webhook)}]);
    harness.cluster.kubectl(&[
        "patch",
        "validatingwebhookconfiguration",
        "awsauth-controller",
        "--type=json",
        "-p",
        &add.to_string(),
    ]);
    let mallory = ["--as=mallory"];
    eventually("mappings are checked", || {
        let run = harness.create(
            &mapping("dev", "dev"),
            &["--as=mallory", "--dry-run=server"],
        );
        run.status == 1 && run.stderr.contains(DENIED)
    });
    harness.create(&mapping("dev", "dev"), &mallory).says(
        1,
        &[
            DENIED,
            "mallory may not request a mapping of ",
            "; ask an administrator to add the user to the requesters of a grant",
        ],
    );
    harness.create(&mapping("dev", "other"), &mallory).says(
        1,
        &[
            DENIED,
            "allows username other; ask an administrator to add it to the usernames of a grant",
        ],
    );
    harness
        .create(&mapping("dev", "dev"), &["--as=ann"])
        .says(0, &[]);
    let platform = ["--as=bob", "--as-group=platform"];
    harness
        .create(&mapping("other", "dev"), &platform)
        .says(0, &[]);
    // Labels may be changed, the spec may not.
    harness
        .kubectl(&["label", "awsauthmapping", "dev", "a=b", "--as=mallory"])
        .says(0, &[]);
    let patch = |patch: &Value, more: &[&str]| {
        let patch = patch.to_string();
        let args = [
            "patch",
            "awsauthmapping",
            "dev",
            "--type=merge",
            "-p",
            &patch,
        ];
        harness.kubectl(&[&args[..], more].concat())
    };
    let spec = json!({"spec": {"role": "arn:aws:iam::111122223333:role/another"}});
    patch(&spec, &mallory).says(1, &[DENIED]);
    patch(&spec, &["--as=ann"]).says(0, &[]);
    let spec = json!({"spec": {"expiresAt": "2027-01-31T18:00:00+99:99"}});
    patch(&spec, &mallory).says(1, &["spec.expiresAt in body should match"]);
    // The API server accepts this name. The controller does not, so it would keep the entry of the previous spec.
    let spec = json!({"spec": {"username": " dev"}});
    patch(&spec, &mallory).says(1, &[DENIED, "starts or ends with white space"]);
    let status = json!({"status": {"canonicalArn": "arn:aws:iam::111122223333:role/admin"}});
    patch(&status, &["--as=ann", "--subresource=status"])
        .says(1, &[DENIED, "ann may not write the status of a mapping"]);
    harness
        .kubectl(&["delete", "awsauthmapping", "dev", "--as=mallory"])
        .says(0, &[]);
}
