//! kubectl reads the written kubeconfigs.

use std::path::Path;
use std::process::{Command, Output};

use awsauth_core::kubeconfig::Kubeconfig;
use serde_json::Value;

use crate::support::generated_kubeconfigs::{ARN, Written, expected, prod, prod_as, written};
use crate::support::go_programs::Binary;
use crate::support::program_output;

/// Runs kubectl with an empty environment.
fn kubectl(folder: &Path, text: &str, args: &[&str]) -> Output {
    let file = folder.join("kubeconfig");
    std::fs::write(&file, text).expect("a file");
    let mut command = Command::new(Binary::Kubectl.path());
    command
        .env_clear()
        .env("HOME", folder)
        .arg("--kubeconfig")
        .arg(file)
        .args(["config", "view", "--raw", "-o", "json"])
        .args(args);
    program_output::output(&mut command)
}

/// Returns the configuration as kubectl reads it.
fn view(text: &str, args: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let output = kubectl(folder.path(), text, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}\n{text}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Removes the entries of `prod` and the current context.
fn others(mut view: Value) -> Value {
    for list in ["clusters", "users", "contexts"] {
        let items = match view[list].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        view[list] = items
            .into_iter()
            .filter(|item| item["name"] != ARN)
            .collect();
    }
    view["current-context"] = Value::Null;
    view
}

#[test]
fn kubectl_reads_the_new_and_the_old_entries() {
    let cases = std::env::var("AWSAUTH_TEST_CASES").ok();
    let cases: u64 = cases.and_then(|cases| cases.parse().ok()).unwrap_or(40);
    for seed in 0..cases {
        let Written { text, content, .. } = written(seed);
        let profile = seed % 2 == 0;
        let entries = if profile { prod_as("ops") } else { prod() };
        let kubeconfig = Kubeconfig::parse(text.as_str()).expect("it reads");
        let edited = kubeconfig.with(&entries).expect("it is written").text;
        let after = view(&edited, &[]);
        assert_eq!(
            others(view(&text, &[])),
            others(after.clone()),
            "\n{text}\n=>\n{edited}"
        );
        let model = expected(content, profile).to_string();
        assert_eq!(after, view(&model, &[]), "\n{text}\n=>\n{edited}");
        let minified = view(&edited, &["--minify"]);
        assert_eq!(minified["contexts"][0]["name"], ARN);
        assert_eq!(
            minified["clusters"][0]["cluster"]["server"],
            entries.cluster.server
        );
        assert_eq!(
            minified["users"][0]["user"]["exec"]["interactiveMode"],
            "Never"
        );
    }
}

#[test]
fn kubectl_rejects_what_awsauth_rejects() {
    let folder = tempfile::tempdir().expect("a folder");
    for text in [
        "clusters:\n- a: [\n",
        "{\"kind\": \"\\/\"}",
        "kind: Pod\n",
        "clusters: x\n",
        "clusters:\n- x\n",
        "users:\n- name: 1\n",
        "users:\n- name: a\n- name: a\n",
        "kind: Config\ncurrent-context: []\n",
    ] {
        assert!(Kubeconfig::parse(text).is_err(), "{text}");
        let output = kubectl(folder.path(), text, &[]);
        assert!(!output.status.success(), "{text}");
    }
}
