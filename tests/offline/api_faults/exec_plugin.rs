//! Credential plugins run once, and their failures are distinguished without their stdout.

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use awsauth_kube::{Environment, ErrorKind, connect};

use crate::api_faults::{calm, header, read, refused, with_kubeconfig};
use crate::support::fake_api::FakeApi;
use crate::support::program_output;

/// Writes a kubeconfig whose user runs a shell script.
fn kubeconfig(api: &FakeApi, script: &str) -> PathBuf {
    let plugin = api.folder().join("plugin");
    fs::write(
        &plugin,
        format!("#!/bin/sh\necho run >>\"$(dirname \"$0\")/runs\"\n{script}\n"),
    )
    .unwrap();
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755)).unwrap();
    entry(api, &plugin)
}

fn entry(api: &FakeApi, command: &Path) -> PathBuf {
    let command = command.display();
    api.kubeconfig("", &format!(
        "exec:\n  apiVersion: client.authentication.k8s.io/v1beta1\n  command: {command}\n  args: [get-token]\n  \
         interactiveMode: Never\n  env:\n  - {{name: PASSWORD, value: hunter2-env}}"
    ))
}

#[tokio::test]
async fn plugin_runs_once_for_all_requests() {
    let api = calm().await;
    let answer = r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"from-plugin","expirationTimestamp":"2099-01-01T00:00:00Z"}}"#;
    let flags = with_kubeconfig(kubeconfig(&api, &format!("echo '{answer}'")));
    let store = connect(&flags, &Environment::default()).await.unwrap();
    read(&store).await.unwrap();
    read(&store).await.unwrap();
    assert_eq!(
        header(&api, "authorization"),
        ["Bearer from-plugin", "Bearer from-plugin"]
    );
    assert_eq!(
        fs::read_to_string(api.folder().join("runs")).unwrap(),
        "run\n"
    );
    assert_eq!(api.connections(), 1);
}

#[tokio::test]
async fn hint_of_a_failed_plugin_runs_it() {
    let api = calm().await;
    let script = "echo \"no 'creds'\" >&2; exit 254";
    let kubeconfig = api.kubeconfig("", &format!(
        "exec:\n  apiVersion: client.authentication.k8s.io/v1beta1\n  command: sh\n  args: [-c, {script:?}]\n  interactiveMode: Never"
    ));
    let error = refused(&with_kubeconfig(kubeconfig), &Environment::default()).await;
    let hint = error.hint();
    let command = hint.strip_prefix("run it separately: ").unwrap();
    let run = program_output::output(Command::new("sh").args(["-c", command]));
    assert_eq!(run.status.code(), Some(254), "{hint}");
    assert_eq!(run.stderr, b"no 'creds'\n");
}

#[tokio::test]
async fn plugin_failures_are_distinguished_without_secrets() {
    let check = async |script: &str, message: &str| {
        let api = calm().await;
        let error = refused(
            &with_kubeconfig(kubeconfig(&api, script)),
            &Environment::default(),
        )
        .await;
        let plugin = api.folder().join("plugin").display().to_string();
        assert_eq!(
            (error.to_string(), error.kind()),
            (message.replace("PLUGIN", &plugin), ErrorKind::Denied)
        );
        assert!(
            !format!("{error:?} {}", error.hint()).contains("hunter2"),
            "{error:?}"
        );
        assert!(api.requests().is_empty());
    };
    check(
        "echo hunter2-token; echo first >&2; echo 'Token has expired and refresh failed' >&2; exit 255",
        "the credential plugin \"PLUGIN get-token\" failed with exit status: 255: Token has expired and refresh failed",
    ).await;
    check(
        "echo hunter2-token",
        "the credential plugin \"PLUGIN get-token\" printed no credentials",
    )
    .await;
    let api = calm().await;
    let error = refused(
        &with_kubeconfig(entry(&api, Path::new("awsauth-no-such-plugin"))),
        &Environment::default(),
    )
    .await;
    assert_eq!(
        error.to_string(),
        "the credential plugin \"awsauth-no-such-plugin\" of the kubeconfig is not installed"
    );
    assert_eq!(
        error.hint(),
        "install it, or put it on PATH: command -v awsauth-no-such-plugin"
    );
    // A whole command line, by mistake.
    for line in [
        "no-such-plugin --client-secret=hunter2 --password hunter2",
        "AWS_SECRET_ACCESS_KEY=hunter2 aws eks get-token",
    ] {
        let kubeconfig = entry(&api, Path::new(line));
        let error = refused(&with_kubeconfig(kubeconfig), &Environment::default()).await;
        let shown = format!("{error} {error:?} {}", error.hint());
        assert!(
            shown.contains("is not installed") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
    let plain = api.folder().join("plain");
    fs::write(&plain, "").unwrap();
    let error = refused(
        &with_kubeconfig(entry(&api, &plain)),
        &Environment::default(),
    )
    .await;
    assert_eq!(
        error.to_string(),
        format!(
            "the credential plugin {:?} cannot be run",
            plain.display().to_string()
        )
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "Permission denied (os error 13)"
    );
}
