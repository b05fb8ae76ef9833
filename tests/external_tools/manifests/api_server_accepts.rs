//! The API server accepts all rendered objects, and applying them again changes nothing.

use std::process::Command;

use serde_json::Value;

use crate::manifests::cluster_with_manifests::{Harness, eventually};
use crate::manifests::same_rendering::{charted, kustomized, manifests, objects, set, with_backup};
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;
use crate::support::go_programs::Binary;

/// Kinds from CRDs of other projects.
const FOREIGN: [&str; 5] = [
    "Certificate",
    "Issuer",
    "PodMonitor",
    "PrometheusRule",
    "ServiceMonitor",
];

fn helm(cluster: &Cluster, args: &[&str]) -> Run {
    let mut command = Command::new(Binary::Helm.path());
    command
        .env_clear()
        .env("HOME", cluster.folder())
        .env("KUBECONFIG", cluster.kubeconfig())
        .current_dir(manifests("chart"));
    let run = Run::of(command.args(args));
    run.says(0, &[]);
    run
}

fn get(cluster: &Cluster, what: &[&str]) -> Value {
    let args = [&["get", "-n", "kube-system", "-o", "json"], what].concat();
    serde_json::from_str(&cluster.kubectl(&args)).unwrap()
}

/// Injects the controller's CA as the controller does.
fn inject_ca(cluster: &Cluster) {
    let ca = r#"[{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "LS0tLS1CRUdJTg=="}]"#;
    let args = [
        "patch",
        "validatingwebhookconfiguration",
        "awsauth-controller",
    ];
    cluster.kubectl(&[&args[..], &["--type=json", "-p", ca]].concat());
}

fn ca_bundle(cluster: &Cluster) -> Value {
    let configuration = ["validatingwebhookconfiguration", "awsauth-controller"];
    get(cluster, &configuration)["webhooks"][0]["clientConfig"]["caBundle"].take()
}

#[test]
fn api_server_accepts_every_object_unchanged() {
    let harness = Harness::start();
    let everything = [
        "webhook.enabled=true",
        "webhook.certManager.enabled=true",
        "podMonitor.enabled=true",
        "serviceMonitor.enabled=true",
        "prometheusRule.enabled=true",
        "dashboard.enabled=true",
        "iamIdentityMappings=true",
        "hostNetwork=true",
        "aws.clusterName=prod",
        "backup.enabled=true",
    ];
    let rendered = [
        with_backup("policy-only"),
        kustomized("policy-only"),
        kustomized("controller"),
        kustomized("controller-webhook"),
        charted(&[]),
        charted(&everything),
    ];
    for text in rendered {
        let all = objects(&text);
        assert!(all.len() >= 4);
        let ours: Vec<String> = all
            .iter()
            .filter(|object| !FOREIGN.contains(&object["kind"].as_str().unwrap()))
            .map(ToString::to_string)
            .collect();
        // Unknown fields are errors, and no field is deprecated.
        let mut command = harness.cluster.kubectl_command();
        command.args(["apply", "--dry-run=server", "--validate=strict", "-f", "-"]);
        let run = crate::manifests::cluster_with_manifests::run_with_input(
            command,
            Some(&ours.join("\n---\n")),
        );
        run.says(0, &[]);
        assert_eq!(run.stderr, "");
    }
}

/// A GitOps tool that applies the folder repeatedly changes nothing and keeps the CA that the controller wrote.
#[test]
fn applying_an_overlay_again_changes_nothing() {
    let cluster = Cluster::start();
    let overlay = manifests("overlays/controller-webhook");
    let apply = ["apply", "-k", overlay.to_str().unwrap()];
    cluster.kubectl(&apply);
    inject_ca(&cluster);
    let again = cluster.kubectl(&apply);
    let changed: Vec<&str> = again
        .lines()
        .filter(|line| !line.ends_with(" unchanged"))
        // kubectl sends the selector of a PodDisruptionBudget each time, which changes nothing.
        .filter(|line| !line.starts_with("poddisruptionbudget"))
        .collect();
    assert_eq!(changed, Vec::<&str>::new());
    assert_eq!(ca_bundle(&cluster), "LS0tLS1CRUdJTg==");
    let mut diff = cluster.kubectl_command();
    diff.env("PATH", std::env::var_os("PATH").unwrap());
    let diff = Run::of(diff.args(["diff", "-k"]).arg(&overlay));
    assert_eq!((diff.status, diff.stdout.as_str()), (0, ""), "{diff:?}");
}

#[test]
fn helm_release_is_installed_upgraded_and_removed() {
    let cluster = Cluster::start();
    let release = |verb: &str, values: &[&str]| {
        let mut args = vec![verb, "awsauth", ".", "-n", "kube-system"];
        args.extend(set(values));
        helm(&cluster, &args)
    };
    let installed = release("install", &[]);
    assert!(installed.stdout.contains("Nothing is granted yet"));
    let deployment = get(&cluster, &["deployment", "awsauth-controller"]);
    assert_eq!(deployment["spec"]["replicas"], 2);

    let grants = r#"config.grants=[{"accounts": ["111122223333"], "groups": ["developers"]}]"#;
    release("upgrade", &[grants, "webhook.enabled=true"]);
    inject_ca(&cluster);
    release("upgrade", &[grants, "webhook.enabled=true", "replicas=3"]);
    assert_eq!(ca_bundle(&cluster), "LS0tLS1CRUdJTg==");
    let deployment = get(&cluster, &["deployment", "awsauth-controller"]);
    assert_eq!(deployment["spec"]["replicas"], 3);
    let config = get(&cluster, &["configmap", "awsauth-controller"]);
    let config = config["data"]["config.yaml"].as_str().unwrap();
    assert!(config.contains("developers"), "{config}");

    // The AwsAuthMapping objects and the access that they grant outlive the release.
    let mapping = "\
apiVersion: awsauth.dev/v1alpha1
kind: AwsAuthMapping
metadata: {name: developer}
spec: {role: 'arn:aws:iam::111122223333:role/developer', username: developer, groups: [developers]}
";
    eventually(|| {
        let mut command = cluster.kubectl_command();
        command.args(["apply", "-f", "-"]);
        crate::manifests::cluster_with_manifests::run_with_input(command, Some(mapping)).status == 0
    });
    helm(&cluster, &["uninstall", "awsauth", "-n", "kube-system"]);
    let left = get(&cluster, &["awsauthmappings"]);
    assert_eq!(left["items"][0]["spec"]["username"], "developer");
    let policies = get(&cluster, &["validatingadmissionpolicies"]);
    assert_eq!(policies["items"], serde_json::json!([]));
}
