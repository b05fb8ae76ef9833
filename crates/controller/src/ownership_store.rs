//! Stores the ownership record in the ConfigMap [`NAME`].

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use tokio::time::timeout;

use super::describe_error;
use awsauth_core::reconcile::OwnershipRecord;
use awsauth_kube::{CONTROLLER, NAMESPACE};

/// The name of the ConfigMap.
pub(crate) const NAME: &str = "awsauth-controller-ownership";
/// The key of the record.
const KEY: &str = "entries";
/// The timeout of one request.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The ownership record and the version that is stored.
pub(crate) struct OwnershipStore {
    api: Api<ConfigMap>,
    /// The record as it was last read or written; `None` if it must be read first.
    stored: Option<(OwnershipRecord, Option<String>)>,
}

impl OwnershipStore {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            api: Api::namespaced(client, NAMESPACE),
            stored: None,
        }
    }

    /// Forgets what is stored: another replica may have changed it.
    pub(crate) fn forget(&mut self) {
        self.stored = None;
    }

    /// Returns the record. Reads it if it is not known. A missing ConfigMap is an empty record.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) async fn load(&mut self) -> Result<OwnershipRecord, String> {
        if let Some((record, _)) = &self.stored {
            return Ok(record.clone());
        }
        let found = match timeout(TIMEOUT, self.api.get_opt(NAME)).await {
            Ok(found) => found.map_err(|error| describe_error::describe(&error))?,
            Err(_) => return Err(no_response()),
        };
        let text = found
            .as_ref()
            .and_then(|found| found.data.as_ref()?.get(KEY));
        let record = OwnershipRecord::parse(text.map_or("", String::as_str));
        let version = found.and_then(|found| found.metadata.resource_version);
        self.stored = Some((record.clone(), version));
        Ok(record)
    }

    /// Writes the record, unless it is stored already. Creates a missing ConfigMap by server-side apply, which RBAC can restrict by
    /// name.
    ///
    /// # Errors
    /// Why it cannot be written, for example because another client has changed it. Then it must be read again.
    pub(crate) async fn save(&mut self, record: &OwnershipRecord) -> Result<(), String> {
        let version = match self.stored.take() {
            Some((stored, version)) if stored == *record => {
                self.stored = Some((stored, version));
                return Ok(());
            }
            stored => stored.and_then(|(_, version)| version),
        };
        let mut object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "awsauth"}},
            "data": {KEY: record.to_text()},
        });
        if let Some(version) = version {
            object["metadata"]["resourceVersion"] = version.into();
        }
        let parameters = PatchParams::apply(CONTROLLER).force();
        let patch = Patch::Apply(&object);
        let applied = match timeout(TIMEOUT, self.api.patch(NAME, &parameters, &patch)).await {
            Ok(applied) => applied.map_err(|error| describe_error::describe(&error))?,
            Err(_) => return Err(no_response()),
        };
        self.stored = Some((record.clone(), applied.metadata.resource_version));
        Ok(())
    }
}

fn no_response() -> String {
    format!("no response within {} s", TIMEOUT.as_secs())
}
