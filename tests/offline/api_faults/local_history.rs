//! Local copies of clusters that reject the history.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::api_faults::tls::Authority;
use crate::support::completed_run::Run;
use crate::support::fake_api::{FakeApi, Scenario};

const ADMIN: &str = "- rolearn: arn:aws:iam::111122223333:role/admin\n  username: admin\n  groups: [system:masters]\n";

/// A server with its own certificate authority, and its kubeconfig. Like every fake server, it claims the same UID for its
/// namespaces.
async fn server(extra_roles: &str) -> (FakeApi, PathBuf) {
    let authority = Authority::new();
    let api = authority
        .serve_with(&["127.0.0.1"], 2099, Scenario::HistoryRefused)
        .await;
    let kubeconfig = api.kubeconfig(&authority.line(&api), "");
    if let Some(object) = &mut api.state.lock().unwrap().object {
        object["data"] = json!({"mapRoles": format!("{ADMIN}{extra_roles}")});
    }
    (api, kubeconfig)
}

async fn awsauth(home: &Path, kubeconfig: &Path, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .args(args)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("KUBECONFIG", kubeconfig)
        .env("AWS_EC2_METADATA_DISABLED", "true");
    tokio::task::spawn_blocking(move || Run::of(&mut command))
        .await
        .unwrap()
}

#[tokio::test]
async fn server_that_claims_the_uid_of_another_cluster_does_not_add_to_its_history() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let dev = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n";
    let desired = format!("{dev}  groups: [view]\n");
    std::fs::write(home.join("access.yaml"), desired).unwrap();
    let (api, kubeconfig) = server("").await;
    let as_admin = format!("{dev}  groups: [system:masters]\n");
    let (impostor, other_kubeconfig) = server(&as_admin).await;
    if let Some(object) = &mut impostor.state.lock().unwrap().object {
        // Its revision would be the newest.
        object["metadata"]["resourceVersion"] = "900000000".into();
    }
    for kubeconfig in [&kubeconfig, &other_kubeconfig] {
        let run = awsauth(home, kubeconfig, &["apply", "-f", "access.yaml", "--yes"]).await;
        run.says(0, &["cannot store the previous aws-auth in the cluster"]);
    }
    let history = awsauth(home, &kubeconfig, &["history", "-o", "json"]).await;
    let revisions = history.json()["revisions"].as_array().unwrap().len();
    assert_eq!(revisions, 1, "{history:?}");
    awsauth(home, &kubeconfig, &["undo", "--yes"])
        .await
        .says(0, &[]);
    assert_eq!(api.object()["data"]["mapRoles"], ADMIN);
}
