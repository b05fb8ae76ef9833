//! Local copies of clusters that reject the history.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::api_faults::proxy::Proxy;
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
    fs::write(home.join("access.yaml"), desired).unwrap();
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

#[tokio::test]
async fn address_that_is_the_name_of_another_folder_does_not_add_to_its_history() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let dev = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n";
    fs::write(home.join("access.yaml"), format!("{dev}  groups: [view]\n")).unwrap();
    let (api, kubeconfig) = server("").await;
    let apply = ["apply", "-f", "access.yaml", "--yes"];
    awsauth(home, &kubeconfig, &apply).await.says(0, &[]);
    let folders = fs::read_dir(home.join(".local/state/awsauth")).unwrap();
    let [folder] = &folders.flatten().collect::<Vec<_>>()[..] else {
        panic!("not one folder");
    };
    let name = folder.file_name().into_string().unwrap();
    let name = name.strip_prefix("cluster-").unwrap();

    // Another cluster, whose kubeconfig chooses its address.
    let as_admin = format!("{dev}  groups: [system:masters]\n");
    let (impostor, _) = server(&as_admin).await;
    if let Some(object) = &mut impostor.state.lock().unwrap().object {
        object["metadata"]["resourceVersion"] = "900000000".into();
    }
    let proxy = Proxy::to(impostor.url.trim_start_matches("https://")).await;
    let cluster = format!(
        "insecure-skip-tls-verify: true\ntls-server-name: x\n{}",
        proxy.line()
    );
    let other_kubeconfig = impostor.kubeconfig(&cluster, "");
    let text = fs::read_to_string(&other_kubeconfig).unwrap();
    let text = text.replace(&impostor.url, &format!("https://{name}"));
    fs::write(&other_kubeconfig, text).unwrap();
    let run = awsauth(home, &other_kubeconfig, &apply).await;
    run.says(0, &["cannot store the previous aws-auth in the cluster"]);

    let history = awsauth(home, &kubeconfig, &["history", "-o", "json"]).await;
    let revisions = history.json()["revisions"].as_array().unwrap().len();
    assert_eq!(revisions, 1, "{history:?}");
    awsauth(home, &kubeconfig, &["undo", "--yes"])
        .await
        .says(0, &[]);
    assert_eq!(api.object()["data"]["mapRoles"], ADMIN);
}
