//! A cluster of a fleet.

use std::collections::BTreeMap;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::backend::Target;

/// A label of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    key: String,
    value: String,
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// A cluster of the fleet.
#[derive(Clone, Debug)]
pub(super) struct FleetCluster {
    /// Its name in the output, which no other cluster has.
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) labels: BTreeMap<String, String>,
}

impl FleetCluster {
    pub(super) fn has(&self, label: &Label) -> bool {
        self.labels.get(&label.key) == Some(&label.value)
    }

    /// Returns the key of the cluster in the state of a rollout. Another cluster may have the same name in another file or kubeconfig.
    pub(super) fn key(&self) -> String {
        let target = &self.target;
        let loaded = target.loaded_kubeconfig.as_ref();
        let server = loaded
            .zip(target.context.as_deref())
            .and_then(|(kubeconfig, context)| kubeconfig.server_url(context));
        let selection = (
            server,
            target.kubeconfig.as_ref().filter(|_| server.is_none()),
            &target.context,
            &target.cluster,
            &target.cluster_name,
            &target.identity,
            &target.expect_account,
        );
        let digest = Sha256::digest(format!("{selection:?}"));
        format!("{} {}", self.name, hex::encode(&digest[..8]))
    }
}
