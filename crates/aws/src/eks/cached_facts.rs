//! The part of a cluster's description that the controller caches.

use std::sync::Arc;

use super::cluster::{CredentialOrder, DescribeError, Silent, describe};
use crate::AwsEnvironment;
use crate::credentials::CredentialOptions;
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::node_inventory::NodeInventory;

/// A cluster as EKS describes it, for callers that connect to it by other means.
#[derive(Clone, Debug, Default)]
pub struct EksSnapshot {
    pub mode: Option<AuthenticationMode>,
    pub account: Option<String>,
    /// `None` if the authentication mode does not read access entries.
    pub access_entries: Option<Arc<AccessEntries>>,
    /// Without Karpenter's node classes.
    pub node_inventory: NodeInventory,
    /// What EKS did not return and how to allow it, as sentences.
    pub unavailable: Vec<String>,
}

/// Reads a cluster from EKS. Blocks; must not be called from within an async runtime.
///
/// # Errors
/// If there are no credentials, the cluster does not exist, or EKS does not answer.
pub fn read_snapshot(
    name: &str,
    options: &CredentialOptions,
) -> Result<EksSnapshot, DescribeError> {
    let environment = AwsEnvironment::of_process();
    let cluster = describe(
        name,
        CredentialOrder::OwnFirst,
        options,
        &environment,
        &mut Silent,
    )?;
    let mut unavailable = Vec::new();
    let access_entries = cluster.access_entries(&|_| true).map(|(entries, missing)| {
        unavailable.extend(missing);
        Arc::new(entries)
    });
    let nodes = cluster.with_client(|eks| eks.nodes(name));
    let groups = nodes
        .groups
        .map_err(|missing| unavailable.push(missing))
        .ok();
    let profiles = nodes
        .profiles
        .map_err(|missing| unavailable.push(missing))
        .ok();
    Ok(EksSnapshot {
        mode: cluster.facts.authentication_mode,
        account: Some(cluster.facts.account().to_owned()),
        access_entries,
        node_inventory: NodeInventory {
            groups,
            profiles,
            ..NodeInventory::default()
        },
        unavailable: unavailable
            .iter()
            .map(|missing| format!("{}; {}", missing.message(name), missing.hint()))
            .collect(),
    })
}
