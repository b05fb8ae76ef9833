//! kubectl and helm render the same objects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::support::completed_run::Run;
use crate::support::go_programs::Binary;

/// The default namespace of the chart's release.
pub(crate) const NAMESPACE: &str = "kube-system";

pub(crate) fn manifests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("manifests")
        .join(path)
}

/// Returns the output of `kubectl kustomize` for an overlay.
pub(crate) fn kustomized(overlay: &str) -> String {
    kustomized_in(&manifests(&format!("overlays/{overlay}")))
}

/// Returns the output for an overlay in another folder, which consists of these files. MANIFESTS in them is replaced
/// with the path of `manifests/`.
fn kustomized_from(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    // Kustomize accepts only relative paths.
    let up = "../".repeat(root.components().count() - 1);
    let ours = manifests("").canonicalize().unwrap();
    let ours = format!("{up}{}", ours.strip_prefix("/").unwrap().display());
    for (name, text) in files {
        std::fs::write(root.join(name), text.replace("MANIFESTS", &ours)).unwrap();
    }
    kustomized_in(&root)
}

fn kustomized_in(folder: &Path) -> String {
    let mut command = Command::new(Binary::Kubectl.path());
    let run = Run::of(command.env_clear().arg("kustomize").arg(folder));
    run.says(0, &[]);
    assert_eq!(run.stderr, "", "no warning");
    run.stdout
}

/// Runs helm with an empty environment and home folder.
pub(crate) fn helm(args: &[&str]) -> Run {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(Binary::Helm.path());
    command.env_clear().env("HOME", home.path());
    Run::of(command.args(args).current_dir(manifests("chart")))
}

/// Returns the output of `helm template` in kube-system with these values (`KEY=VALUE`).
pub(crate) fn charted(values: &[&str]) -> String {
    let run = template(NAMESPACE, values);
    run.says(0, &[]);
    assert_eq!(run.stderr, "", "no warning");
    run.stdout
}

pub(crate) fn template(namespace: &str, values: &[&str]) -> Run {
    let mut args = vec!["template", "awsauth", ".", "--namespace", namespace];
    args.extend(set(values));
    helm(&args)
}

/// Returns the arguments that set values. Those of the configuration are JSON, because an account must not be a number.
pub(crate) fn set<'a>(values: &[&'a str]) -> Vec<&'a str> {
    let flag = |value: &str| match value.starts_with("config.") {
        true => "--set-json",
        false => "--set",
    };
    let pairs = values.iter().map(|value| [flag(value), *value]);
    pairs.flatten().collect()
}

/// Returns the objects of a stream of YAML documents.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|object| !object.is_null())
        .collect()
}

/// Returns the only object with this kind and name.
pub(crate) fn object(text: &str, kind: &str, name: &str) -> Value {
    let mut found = objects(text)
        .into_iter()
        .filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    let object = found.next().unwrap_or_else(|| panic!("no {kind} {name}"));
    assert_eq!(found.next(), None, "one {kind} {name}");
    object
}

/// Returns the ID of an object: kind, namespace and name.
pub(crate) fn key(object: &Value) -> String {
    let metadata = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    [&object["kind"], &metadata["namespace"], &metadata["name"]]
        .map(text)
        .join(" ")
}

/// Returns the objects by ID, without labels and annotations of the tool.
fn comparable(text: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for mut object in objects(text) {
        strip(&mut object["metadata"]);
        for template in [
            "/spec/template/metadata",
            "/spec/jobTemplate/metadata",
            "/spec/jobTemplate/spec/template/metadata",
        ] {
            if let Some(template) = object.pointer_mut(template) {
                strip(template);
            }
        }
        if let Some(config) = object.pointer_mut("/data/config.yaml") {
            let text = config.as_str().unwrap();
            *config = serde_yaml::from_str(text).unwrap();
        }
        let before = all.insert(key(&object), object);
        assert_eq!(before, None, "each object once");
    }
    all
}

fn strip(metadata: &mut Value) {
    if let Some(labels) = metadata["labels"].as_object_mut() {
        for renderer in [
            "app.kubernetes.io/managed-by",
            "app.kubernetes.io/version",
            "helm.sh/chart",
        ] {
            labels.remove(renderer);
        }
    }
    let Some(annotations) = metadata.get_mut("annotations") else {
        return;
    };
    let annotations = annotations.as_object_mut().unwrap();
    annotations.remove("helm.sh/resource-policy");
    if annotations.is_empty() {
        metadata.as_object_mut().unwrap().remove("annotations");
    }
}

/// The component for backups, in an overlay as users write it.
pub(crate) fn with_backup(overlay: &str) -> String {
    let kustomization = format!(
        "resources: [MANIFESTS/overlays/{overlay}]\ncomponents: [MANIFESTS/components/backup]\n"
    );
    kustomized_from(&[("kustomization.yaml", &kustomization)])
}

#[track_caller]
fn are_the_same(overlay: &str, values: &[&str]) {
    render_the_same(&kustomized(overlay), values);
}

#[track_caller]
fn render_the_same(of_kustomize: &str, values: &[&str]) {
    let of_kustomize = comparable(of_kustomize);
    let of_helm = comparable(&charted(values));
    let keys = |of: &BTreeMap<String, Value>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&of_kustomize), keys(&of_helm));
    for (key, object) in of_kustomize {
        assert_eq!(object, of_helm[&key], "{key}");
    }
}

#[test]
fn helm_and_kustomize_render_the_same_controller() {
    are_the_same("controller", &[]);
}

#[test]
fn helm_and_kustomize_render_the_same_webhook() {
    are_the_same("controller-webhook", &["webhook.enabled=true"]);
}

#[test]
fn helm_and_kustomize_render_the_same_webhook_for_requesters() {
    are_the_same(
        "controller-requesters",
        &["webhook.enabled=true", "webhook.requesters=true"],
    );
}

#[test]
fn helm_and_kustomize_render_the_same_policies() {
    are_the_same("policy-only", &["controller.enabled=false"]);
}

#[test]
fn helm_and_kustomize_render_the_same_backup() {
    for (overlay, values) in [
        (
            "policy-only",
            &["backup.enabled=true", "controller.enabled=false"][..],
        ),
        ("controller", &["backup.enabled=true"]),
    ] {
        render_the_same(&with_backup(overlay), values);
    }
}

/// A GitOps tool that applies the folder would own aws-auth and revert all other edits.
#[test]
fn manifests_do_not_contain_aws_auth() {
    for text in [
        kustomized("controller-webhook"),
        charted(&["webhook.enabled=true"]),
    ] {
        for object in objects(&text) {
            assert_ne!(object["metadata"]["name"], "aws-auth");
            assert_ne!(object["kind"], "Secret");
        }
    }
}

/// The backup to S3 from the documentation, with kustomize and with helm.
#[test]
fn documented_backup_uploads_new_files_to_s3() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/history.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = |first: &str| {
        let start = page.find(first).unwrap_or_else(|| panic!("no {first}"));
        page[start..].split("```").next().unwrap().to_owned()
    };
    let kustomization = block("# kustomization.yaml").replace("awsauth/manifests/", "MANIFESTS/");
    let kustomization = kustomization.replace("IMAGE", "example.test/awsauth");
    let of_kustomize = kustomized_from(&[("kustomization.yaml", &kustomization)]);
    let values = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(values.path(), block("# values.yaml")).unwrap();
    let path = values.path().to_str().unwrap();
    let of_helm = helm(&["template", "awsauth", ".", "-n", NAMESPACE, "-f", path]);
    of_helm.says(0, &[]);
    for text in [&of_kustomize, &of_helm.stdout] {
        let keys: Vec<String> = objects(text).iter().map(key).collect();
        let claim = "PersistentVolumeClaim kube-system awsauth-backup".to_owned();
        assert!(!keys.contains(&claim), "{keys:?}");
        let job = object(text, "CronJob", "awsauth-backup");
        let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(pod["volumes"][0]["emptyDir"], serde_json::json!({}));
        assert_eq!(pod["initContainers"][0]["args"][0], "backup");
        let upload = &pod["containers"][0];
        assert_eq!(upload["args"].as_array().unwrap()[..2], ["s3", "cp"]);
        assert_eq!(
            upload["volumeMounts"][0],
            pod["initContainers"][0]["volumeMounts"][0]
        );
        let account = object(text, "ServiceAccount", "awsauth-backup");
        let role = &account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"];
        assert_eq!(role, "arn:aws:iam::111122223333:role/awsauth-backup");
    }
}

/// The overlay from the documentation, based on this repository.
#[test]
fn documented_overlay_sets_image_and_configuration() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/install-in-cluster.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = |first: &str| {
        let start = page.find(first).unwrap();
        page[start..].split("```").next().unwrap().to_owned()
    };
    let kustomization = block("# kustomization.yaml").replace(
        "awsauth/manifests/overlays/controller-webhook",
        "MANIFESTS/overlays/controller-webhook",
    );
    let config = block("grants:\n");
    let kustomization = kustomization.replace("IMAGE", "example.test/awsauth");
    let text = kustomized_from(&[
        ("kustomization.yaml", &kustomization),
        ("config.yaml", &config),
    ]);
    let deployment = object(&text, "Deployment", "awsauth-controller");
    let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "example.test/awsauth:0.1.0");
    let stored = object(&text, "ConfigMap", "awsauth-controller");
    assert_eq!(stored["data"]["config.yaml"], config);
    // The chart accepts the same settings as values.
    let parsed: Value = serde_yaml::from_str(&config).unwrap();
    let grants = format!("config.grants={}", parsed["grants"]);
    let admission = format!("config.admission={}", parsed["admission"]);
    let charted = charted(&[&grants, &admission]);
    let charted = object(&charted, "ConfigMap", "awsauth-controller");
    let charted: Value =
        serde_yaml::from_str(charted["data"]["config.yaml"].as_str().unwrap()).unwrap();
    assert_eq!(charted, parsed);
}
