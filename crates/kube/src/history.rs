//! The history of aws-auth: the ConfigMap `awsauth-history`, or a local folder of the user if the cluster rejects that.

mod cluster_key;
mod local_folder;
mod observed;
mod pending;
mod recorder;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::body::Bytes;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::api_client::ApiClient;
use super::live_config_map::Live;
use super::request_error::RequestError;
use super::{HISTORY, NAMESPACE};

use awsauth_core::history::{Addition, Who};

pub use cluster_key::ClusterKey;
pub use local_folder::{Folder, LocalCopy};
pub use observed::{ObservedChange, Writer, record_observed};
pub use pending::{PendingWrite, PendingWrites};
pub(super) use recorder::HistoryRecorder;
pub use recorder::{record_entries, revision_of_entries};

/// What to record about a write besides its contents, and where.
#[derive(Clone, Debug, Default)]
pub struct RecordOptions {
    /// The command line, without secrets.
    pub command: Vec<String>,
    /// The user's reason for the write.
    pub reason: Option<String>,
    /// The number of the revision that the write undoes.
    pub undoes: Option<u64>,
    /// The ID that the revisions of one write share; `None` if the write has one.
    pub transaction: Option<String>,
    /// The writer, if already known.
    pub who: Option<Who>,
    /// The local folder for copies that the cluster rejects; `None` if there is none.
    pub folder: Option<PathBuf>,
    /// Whether to write even if no copy can be stored.
    pub optional: bool,
}

/// Where the copy of aws-auth before a write is stored.
#[derive(Clone, Debug)]
pub enum CopyLocation {
    /// In `awsauth-history`, under this number.
    InCluster(u64),
    /// In a file, because the cluster rejected it.
    InFolder {
        path: PathBuf,
        /// Why the cluster rejected it.
        why: Arc<RequestError>,
    },
    /// Nowhere. The options allowed this.
    Nowhere(Arc<NoCopy>),
}

/// Why the previous aws-auth could not be stored anywhere.
#[derive(Debug, thiserror::Error)]
#[error("no copy of it can be stored in {NAMESPACE}/{HISTORY} ({cluster}) or in a file ({folder})")]
pub struct NoCopy {
    /// Why the cluster rejected it.
    pub cluster: Arc<RequestError>,
    /// Why it could not be stored in a file.
    pub folder: String,
}

/// The contents of `awsauth-history`: each key's value, in base64.
pub type Values = BTreeMap<String, String>;

/// Reads every key of `awsauth-history` with its value, in base64. Retries after transient faults.
///
/// # Errors
/// If the API server does not return it. A missing ConfigMap is empty, not an error.
pub async fn read(client: &ApiClient, deadline: Instant) -> Result<Values, RequestError> {
    let read = client.read_named(HISTORY, deadline).await;
    let live = read.map_err(|fault| client.failed("get", fault))?;
    Ok(values(&live))
}

/// Returns a new `awsauth-history` with its first revision. It has no labels or annotations of aws-auth.
fn new_history(addition: &Addition) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": HISTORY, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "awsauth"},
        },
        "binaryData": {&addition.key: addition.value},
    })
}

/// Returns a merge patch that adds a revision and removes keys. It applies to one version of the object or, if
/// `version` is `None`, to any. Removing a key twice is harmless.
///
/// <https://www.rfc-editor.org/rfc/rfc7396>
fn patch(addition: Option<&Addition>, gone: &[String], version: Option<&str>) -> Bytes {
    let gone = gone.iter().map(|key| (key.clone(), Value::Null));
    let added = addition.map(|added| (added.key.clone(), added.value.as_str().into()));
    let values: Map<String, Value> = gone.chain(added).collect();
    let mut patch = json!({"binaryData": values});
    if let Some(version) = version {
        patch["metadata"]["resourceVersion"] = version.into();
    }
    Bytes::from(patch.to_string())
}

/// Returns the values of the history by key, in base64.
fn values(history: &Live) -> Values {
    let values = history.snapshot().binary_data.into_iter();
    values
        .map(|(key, value)| (key, value.to_string()))
        .collect()
}

/// Returns all keys of the history, including unknown ones.
fn keys(history: &Live) -> impl Iterator<Item = &str> {
    let values = history
        .object()
        .and_then(|object| object["binaryData"].as_object());
    values.into_iter().flat_map(Map::keys).map(String::as_str)
}

/// Returns a random ID for a run or transaction.
pub fn random_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// The awsauth version that revisions record.
const VERSION: &str = env!("CARGO_PKG_VERSION");
