//! A client that reads and replaces the whole object, as EKS and eksctl do.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::thread::sleep;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use http::Request;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::support::cluster::Cluster;
use crate::support::kube_client;

const CONFIGMAPS: &str = "/api/v1/namespaces/kube-system/configmaps";
const AWS_AUTH: &str = "/api/v1/namespaces/kube-system/configmaps/aws-auth";
const HISTORY: &str = "/api/v1/namespaces/kube-system/configmaps/awsauth-history";

/// The number of concurrent requests of [`Api::ask_all`].
const MAX_CONCURRENT: usize = 16;

/// Reads and writes aws-auth as the cluster's creator.
pub(crate) struct Api {
    runtime: Runtime,
    client: kube::Client,
    manager: &'static str,
}

/// Why a request failed.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    Missing,
    /// The object has changed since it was read, or already exists.
    Conflict,
    /// No response, or a server error.
    Unclear(String),
}

impl Api {
    /// Connects as the cluster's creator, with the field manager `manager`.
    pub(crate) fn of(cluster: &Cluster, manager: &'static str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = kube_client::of(&cluster.kubeconfig(), &runtime);
        Self {
            runtime,
            client,
            manager,
        }
    }

    /// Returns aws-auth with every field.
    pub(crate) fn get(&self) -> Result<Value, Refusal> {
        self.ask("GET", AWS_AUTH, None)
    }

    /// Returns aws-auth, which must exist. Retries while the API server restarts.
    pub(crate) fn object(&self) -> Value {
        for _ in 0..600 {
            match self.get() {
                Err(Refusal::Unclear(_)) => sleep(Duration::from_millis(100)),
                read => return read.unwrap(),
            }
        }
        self.get().unwrap()
    }

    pub(crate) fn create(&self, object: &Value) -> Result<Value, Refusal> {
        let path = format!("{CONFIGMAPS}?fieldManager={}", self.manager);
        self.ask("POST", &path, Some(object))
    }

    /// Replaces the stored object if it has the resourceVersion of `object`.
    pub(crate) fn replace(&self, object: &Value) -> Result<Value, Refusal> {
        let path = format!("{AWS_AUTH}?fieldManager={}", self.manager);
        self.ask("PUT", &path, Some(object))
    }

    pub(crate) fn delete(&self) {
        self.delete_at(AWS_AUTH);
    }

    /// Deletes awsauth's history.
    pub(crate) fn delete_history(&self) {
        self.delete_at(HISTORY);
    }

    /// Changes metadata of awsauth's history, so that concurrent writes to it conflict.
    pub(crate) fn touch_history(&self, times: u32) {
        if let Ok(mut object) = self.ask("GET", HISTORY, None) {
            object["metadata"]["annotations"]["touched"] = times.to_string().into();
            // Retries after a conflict.
            let _ = self.ask("PUT", HISTORY, Some(&object));
        }
    }

    /// Creates or changes a ConfigMap that awsauth does not read.
    pub(crate) fn touch_other(&self, times: u32) {
        let path = format!("{CONFIGMAPS}/other?fieldManager={}", self.manager);
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "other", "namespace": "kube-system"},
            "data": {"touched": times.to_string()},
        });
        match self.ask("PUT", &path, Some(&object)) {
            Err(Refusal::Missing) => drop(self.ask("POST", CONFIGMAPS, Some(&object)).unwrap()),
            answer => drop(answer.unwrap()),
        }
    }

    fn delete_at(&self, path: &str) {
        match self.ask("DELETE", path, None) {
            Ok(_) | Err(Refusal::Missing) => {}
            Err(refusal) => panic!("{refusal:?}"),
        }
    }

    /// Reads, changes and writes mapRoles until there is no conflict. Returns the number of attempts.
    /// `change` returns `None` if nothing needs to change.
    pub(crate) fn change_roles(&self, change: impl Fn(&str) -> Option<String>) -> u32 {
        for attempt in 1.. {
            let read = match self.get() {
                Err(Refusal::Missing) => match self.create(&configmap(&change("").unwrap())) {
                    Ok(_) => return attempt,
                    Err(_) => continue,
                },
                read => read,
            };
            let written = read.and_then(|mut object| {
                match change(object["data"]["mapRoles"].as_str().unwrap()) {
                    None => Ok(object),
                    Some(text) => {
                        object["data"]["mapRoles"] = text.into();
                        self.replace(&object)
                    }
                }
            });
            match written {
                Ok(_) => return attempt,
                Err(Refusal::Conflict) => {}
                Err(refusal) => {
                    assert_ne!(refusal, Refusal::Missing);
                    sleep(Duration::from_millis(100));
                }
            }
        }
        unreachable!("it is tried until it succeeds")
    }

    /// Sends a request and returns the response.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        self.runtime.block_on(self.response(method, path, body))
    }

    /// Sends requests concurrently and returns the responses in order.
    pub(crate) fn ask_all(
        &self,
        method: &str,
        requests: &[(String, Option<Value>)],
    ) -> Result<Vec<Value>, Refusal> {
        let responses = requests
            .iter()
            .map(|(path, body)| self.response(method, path, body.as_ref()));
        let responses = stream::iter(responses).buffered(MAX_CONCURRENT);
        self.runtime.block_on(responses.try_collect())
    }

    async fn response(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let body = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        match self.client.request(request).await {
            Ok(answer) => Ok(answer),
            Err(kube::Error::Api(status)) => Err(match status.code {
                404 => Refusal::Missing,
                409 => Refusal::Conflict,
                _ => Refusal::Unclear(status.message),
            }),
            Err(error) => Err(Refusal::Unclear(error.to_string())),
        }
    }
}

/// An aws-auth that has only these roles.
pub(crate) fn configmap(roles: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": roles},
    })
}
