//! Distinguishes clusters that have the same address.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::NAMESPACE;
use crate::api_client::ApiClient;

/// How long the API server may take to return the namespace.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// A key for the local copies of a cluster's aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterKey {
    /// The UID of the namespace `kube-system`.
    Uid(String),
    /// The digest of the certificate authority and name that the server's certificate must have.
    Certificate(String),
    /// The address, which several clusters may have, such as behind a tunnel.
    Address(String),
}

#[derive(Deserialize)]
struct Namespace {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

impl ClusterKey {
    /// Returns the keys of the cluster, from the most to the least certain. The caller may lack permission to read the
    /// namespace, and the connection may verify no certificate.
    pub async fn all(client: &ApiClient) -> Vec<Self> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}");
        let read = client.get(&path, Instant::now() + TIME_LIMIT).await;
        let uid = read.map(|namespace: Namespace| Self::Uid(namespace.metadata.uid));
        let target = client.target();
        let certificate = target.certificate_digest.clone().map(Self::Certificate);
        let server = target.server.split_once("://");
        let server = server.map_or(target.server.as_str(), |(_, server)| server);
        let address = Self::Address(server.trim_end_matches('/').to_owned());
        uid.into_iter()
            .chain(certificate)
            .chain([address])
            .collect()
    }

    /// Returns the name of the cluster's folder.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Uid(uid) => uid.clone(),
            Self::Certificate(digest) => format!("ca-{digest}"),
            Self::Address(address) => address.clone(),
        }
    }
}
