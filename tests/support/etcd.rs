//! The objects of a cluster as etcd stores them, so that what a test left can be removed without its controllers and finalizers.
//! <https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/>

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::plain_http;

/// What the API server writes by itself, and the autoregistration of a resource's API.
const OWN_PREFIXES: [&str; 6] = [
    "/registry/apiregistration.k8s.io/",
    "/registry/flowschemas/",
    "/registry/leases/kube-system/apiserver-",
    "/registry/masterleases/",
    "/registry/peerserverleases/",
    "/registry/prioritylevelconfigurations/",
];

/// The stored objects of a cluster by key, except those that the API server writes by itself.
pub(crate) struct StoredObjects(BTreeMap<String, Stored>);

/// An object. Keys and values are in base64.
#[derive(Deserialize, PartialEq)]
struct Stored {
    key: String,
    value: String,
}

impl StoredObjects {
    /// Reads all objects of the API server that uses the etcd at `http://HOST:PORT`.
    ///
    /// # Panics
    /// If etcd does not answer. The other method panics likewise.
    pub(crate) fn read(etcd: &str) -> Self {
        #[derive(Deserialize)]
        struct Range {
            #[serde(default)]
            kvs: Vec<Stored>,
        }
        let base64 = |text: &str| BASE64_STANDARD.encode(text);
        let all = json!({"key": base64("/registry/"), "range_end": base64("/registry0")});
        let Range { kvs } = serde_json::from_value(ask(etcd, "range", &all)).expect("a range");
        let objects = kvs.into_iter().filter_map(|stored| {
            let key = BASE64_STANDARD.decode(&stored.key).expect("base64");
            let key = String::from_utf8(key).expect("Kubernetes' keys are UTF-8");
            let is_own = OWN_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
            (!is_own).then_some((key, stored))
        });
        Self(objects.collect())
    }

    /// Removes all other objects, and restores these.
    pub(crate) fn restore(&self, etcd: &str) {
        let now = Self::read(etcd);
        for (key, stored) in &now.0 {
            if !self.0.contains_key(key) {
                ask(etcd, "deleterange", &json!({"key": stored.key}));
            }
        }
        for (key, stored) in &self.0 {
            if now.0.get(key) != Some(stored) {
                let put = json!({"key": stored.key, "value": stored.value});
                ask(etcd, "put", &put);
            }
        }
    }
}

fn ask(etcd: &str, what: &str, body: &Value) -> Value {
    let path = format!("/v3/kv/{what}");
    let answer = plain_http::ask(etcd, "POST", &path, &body.to_string());
    let (status, content) = answer.unwrap_or_else(|error| panic!("etcd: {error}"));
    assert_eq!(status, 200, "etcd: {content}");
    serde_json::from_str(&content).expect("etcd answers in JSON")
}
