//! Where the text before a write is kept: the ConfigMap `awsauth-history` beside aws-auth, and where the cluster refuses
//! that, a folder of this user.

mod folder;
mod keeper;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::body::Bytes;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::api_client::Store;
use super::live::Live;
use super::request_error::RequestError;
use super::{HISTORY, NAMESPACE};

use awsauth_core::history::{Addition, Who};

pub use folder::{Folder, InFolder};
pub(super) use keeper::Keeper;

/// What is to be kept of a write besides its texts, and where.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// The command, without what is secret in it.
    pub command: Vec<String>,
    /// Why it is done, in the user's words.
    pub reason: Option<String>,
    /// Who writes, where that was asked already.
    pub who: Option<Who>,
    /// The user's folder for copies that the cluster does not take; `None` when there is none.
    pub folder: Option<PathBuf>,
    /// Write even where nothing can be kept.
    pub optional: bool,
}

/// Where the text before a write was kept.
#[derive(Clone, Debug)]
pub enum Kept {
    /// In `awsauth-history`, under this number.
    InCluster(u64),
    /// In a file, because the cluster did not take it.
    InFolder {
        /// The file.
        path: PathBuf,
        /// Why not in the cluster.
        why: Arc<RequestError>,
    },
    /// Nowhere, which was allowed.
    Nowhere(Arc<NoCopy>),
}

/// Why the text before a write could be kept nowhere.
#[derive(Debug, thiserror::Error)]
#[error("no copy of it can be kept in {NAMESPACE}/{HISTORY} ({cluster}), nor in a file ({folder})")]
pub struct NoCopy {
    /// Why the cluster did not take it.
    pub cluster: Arc<RequestError>,
    /// Why there is no file either; a clause.
    pub folder: String,
}

/// What `awsauth-history` holds: each key's value, in base64.
pub type Values = BTreeMap<String, String>;

/// Reads what is kept, again and again while that may help: every key of `awsauth-history` with its value, in base64.
///
/// # Errors
/// When the API server does not give it out. That there is nothing is no error.
pub async fn read(store: &Store, deadline: Instant) -> Result<Values, RequestError> {
    let read = store.read_named(HISTORY, deadline).await;
    let live = read.map_err(|fault| store.failed("get", fault))?;
    let values = live.snapshot().binary_data.into_iter();
    Ok(values
        .map(|(key, value)| (key, value.to_string()))
        .collect())
}

/// What makes `awsauth-history` with its first revision, and nothing of aws-auth's.
fn with(addition: &Addition) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": HISTORY, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "awsauth"},
        },
        "binaryData": {&addition.key: addition.value},
    })
}

/// What adds a revision and removes keys, of one version of the object or, without one, whatever has changed: a key that is
/// gone already may be removed again. <https://www.rfc-editor.org/rfc/rfc7396>
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

/// The keys of its revisions, and of what else is there.
fn keys(history: &Live) -> impl Iterator<Item = &str> {
    let values = history
        .object()
        .and_then(|object| object["binaryData"].as_object());
    values.into_iter().flat_map(Map::keys).map(String::as_str)
}

/// What tells a run from all others.
fn run_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// The version that a revision names.
const VERSION: &str = env!("CARGO_PKG_VERSION");
