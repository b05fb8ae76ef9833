//! The Kubernetes client on an API server with faults: stored result, number of requests, and messages.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod cluster_selection;
mod credential_recipients;
mod endless_responses;
#[cfg(unix)]
mod exec_plugin;
mod expire_needs_server_time;
mod guards_after_conflict;
mod local_history;
mod proxy;
mod rejected_requests;
mod timeouts_and_interrupts;
mod tls;
mod write_loop;

use std::collections::BTreeMap;
use std::future::pending;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::fake_api::{FakeApi, Never, Scenario, eksctl_made};
use awsauth_core::aws_auth_snapshot::Change;
use awsauth_core::endpoint_trust::EndpointExceptions;
use awsauth_kube::Live;
use awsauth_kube::connect::ConnectError;
use awsauth_kube::request_error::RequestError;
use awsauth_kube::write::{WriteError, WriteOptions, Written};
use awsauth_kube::{ApiClient, Environment, Flags, connect, write};
use serde_json::Value;

pub(crate) const OURS: &str = "- rolearn: arn:aws:iam::111122223333:role/ours\n";

/// Adds our line, unless it is already there.
pub(crate) fn add(line: &'static str) -> impl FnMut(&Live) -> Result<Option<Change>, Never> {
    move |before| {
        let text = before
            .snapshot()
            .data
            .get("mapRoles")
            .cloned()
            .unwrap_or_default();
        Ok((!text.contains(line)).then(|| Change {
            data: BTreeMap::from([("mapRoles", Some(format!("{text}{line}").into()))]),
            ..Change::default()
        }))
    }
}

pub(crate) async fn store(api: &FakeApi) -> ApiClient {
    let flags = Flags {
        kubeconfig: Some(api.kubeconfig("", "")),
        ..Flags::default()
    };
    connect(&flags, &Environment::default()).await.unwrap()
}

pub(crate) async fn run(
    api: &FakeApi,
    options: &WriteOptions,
) -> Result<Written, WriteError<Never>> {
    write(&store(api).await, None, add(OURS), options, pending()).await
}

pub(crate) async fn run_for(
    api: &FakeApi,
    timeout: Duration,
) -> Result<Written, WriteError<Never>> {
    run(
        api,
        &WriteOptions {
            timeout,
            conflict_timeout: timeout,
            ..WriteOptions::default()
        },
    )
    .await
}

/// Asserts that our line is stored once, and that everything else is unchanged.
pub(crate) fn assert_merged(api: &FakeApi) {
    let stored = api.object();
    let text = stored["data"]["mapRoles"].as_str().unwrap();
    assert_eq!(text.matches(OURS).count(), 1, "{text}");
    let without = |mut object: Value| {
        object["data"]["mapRoles"] = Value::Null;
        object["metadata"]["resourceVersion"] = Value::Null;
        object["metadata"]["managedFields"] = Value::Null;
        object
    };
    assert_eq!(without(stored.clone()), without(eksctl_made()));
    assert!(
        text.starts_with(eksctl_made()["data"]["mapRoles"].as_str().unwrap()),
        "{text}"
    );
}

/// Flags for a kubeconfig of a [`FakeApi`], which speaks plain HTTP.
pub(crate) fn with_kubeconfig(path: PathBuf) -> Flags {
    Flags {
        kubeconfig: Some(path),
        exceptions: EndpointExceptions {
            http_loopback: true,
            ..EndpointExceptions::default()
        },
        ..Flags::default()
    }
}

pub(crate) async fn read(store: &ApiClient) -> Result<(), RequestError> {
    store
        .read(Duration::from_millis(500))
        .await
        .map(|live| assert!(live.exists()))
}

pub(crate) async fn refused(flags: &Flags, environment: &Environment) -> ConnectError {
    match connect(flags, environment).await {
        Ok(store) => panic!("connected to {}", store.target()),
        Err(error) => {
            assert!(!error.hint().is_empty());
            error
        }
    }
}

pub(crate) async fn calm() -> FakeApi {
    FakeApi::start(Scenario::Calm, Some(eksctl_made())).await
}

pub(crate) fn header(api: &FakeApi, name: &str) -> Vec<String> {
    let state = api.state.lock().unwrap();
    let all = state.headers.iter().flatten();
    all.filter(|(known, _)| known == name)
        .map(|(_, value)| value.clone())
        .collect()
}
