//! Where the text before a write is kept: the ConfigMap `awsauth-history` beside aws-auth, and where the cluster refuses
//! that, a folder of this user.

mod folder;
mod keeper;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::fault::{Fault, RequestError};
use super::live::Live;
use super::store::Store;
use super::{HISTORY, NAMESPACE};

use crate::history::Addition;

pub use folder::{Folder, InFolder};
pub(super) use keeper::Keeper;

/// What is to be kept of a write besides its texts, and where.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    /// The command, without what is secret in it.
    pub command: Vec<String>,
    /// Why it is done, in the user's words.
    pub reason: Option<String>,
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
        /// Why not in the cluster; `None` when others were writing there at the same time.
        why: Option<Arc<RequestError>>,
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

/// `awsauth-history` as a writer found it.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    live: Live,
}

/// Reads it; `None` when it is not needed.
pub(super) async fn read_shelf(
    store: &Store,
    is_needed: bool,
    deadline: Instant,
) -> Option<Result<Shelf, Fault>> {
    if !is_needed {
        return None;
    }
    let read = store.read_named(HISTORY, deadline).await;
    Some(read.map(|live| Shelf { live }))
}

impl Shelf {
    fn keys(&self) -> impl Iterator<Item = &str> {
        let object = self.live.object();
        let values = object.and_then(|object| object["binaryData"].as_object());
        values.into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// The number of a revision that keeps this aws-auth.
    fn number(&self, live: &Live) -> u64 {
        let version = live.resource_version().or(self.live.resource_version());
        version
            .and_then(|version| version.parse().ok())
            .unwrap_or(0)
    }

    /// The object with one revision more. A missing one comes into being, with nothing of aws-auth's.
    fn with(&self, addition: &Addition) -> Value {
        let new = || {
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
                "name": HISTORY, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "awsauth"},
            }})
        };
        let mut object = self.live.object().cloned().unwrap_or_else(new);
        let mut values = object["binaryData"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        values.retain(|key, _| !addition.gone.contains(key));
        values.insert(addition.key.clone(), addition.value.as_str().into());
        object["binaryData"] = values.into();
        object
    }
}

/// Whether somebody has changed, made or deleted it since it was read.
fn is_lost_race(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Conflict(_) | Fault::AlreadyExists(_) | Fault::NotFound(_)
    )
}

/// What tells a run from all others.
fn run_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// The version that a revision names.
const VERSION: &str = env!("CARGO_PKG_VERSION");
