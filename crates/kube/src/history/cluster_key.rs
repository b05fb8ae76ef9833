//! Distinguishes clusters that have the same address.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::NAMESPACE;
use crate::api_client::ApiClient;

/// The time limit for reading the namespace.
const TIME_LIMIT: Duration = Duration::from_secs(3);

/// A key for the local copies of a cluster's aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterKey {
    /// What the server proved: the digest of the certificate authority and the name that its certificate must have, and
    /// of the URL's path. With the UID of the namespace `kube-system`, if the server returned it.
    Certificate { digest: String, uid: Option<String> },
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
    /// Returns the keys of the cluster: first the one for new copies, which contains nothing that the server only claims
    /// unless its certificate is part of it. The caller may lack permission to read the namespace, and the connection may
    /// verify no certificate.
    pub async fn all(client: &ApiClient) -> Vec<Self> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}");
        let read = client.get(&path, Instant::now() + TIME_LIMIT).await;
        let uid = read.map(|namespace: Namespace| namespace.metadata.uid).ok();
        let target = client.target();
        let server = target.server.split_once("://");
        let server = server.map_or(target.server.as_str(), |(_, server)| server);
        let address = Self::Address(server.trim_end_matches('/').to_owned());
        let uids = uid.into_iter().map(Some).chain([None]);
        let certificates = target.certificate_digest.iter().flat_map(|digest| {
            uids.clone().map(move |uid| Self::Certificate {
                digest: digest.clone(),
                uid,
            })
        });
        certificates.chain([address]).collect()
    }

    /// Returns whether no other cluster has this key.
    pub fn is_certain(&self) -> bool {
        matches!(self, Self::Certificate { .. })
    }

    /// Returns the name of the cluster's folder. A kubeconfig determines the address, so each kind of key has a prefix of its
    /// own.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Certificate {
                digest,
                uid: Some(uid),
            } => format!("certificate-{digest}-{uid}"),
            Self::Certificate { digest, uid: None } => format!("certificate-{digest}"),
            Self::Address(address) => format!("address-{address}"),
        }
    }
}
