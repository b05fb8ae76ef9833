//! The part of a cluster's description that the controller caches.

use std::sync::Arc;

use super::describe_cluster::{CredentialOrder, DescribeError, EksCluster, Silent, describe};
use crate::credentials::CredentialOptions;
use crate::{ActionError, AwsEnvironment};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::error_chain;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::iam_inventory::Listed;
use awsauth_core::facts::node_inventory::NodeInventory;
use awsauth_core::permission_set::PATH_PREFIX;
use awsauth_core::plan::Known;
use awsauth_core::reconcile::{AwsFacts, AwsQuery};

/// The number of roles from which listing all roles takes fewer requests than reading each one.
const MAX_NAMED_ROLES: usize = 25;

/// A cluster as EKS describes it, for callers that connect to it by other means.
#[derive(Clone, Debug, Default)]
pub struct EksSnapshot {
    pub mode: Option<AuthenticationMode>,
    pub account: Option<String>,
    /// `None` if the authentication mode does not read access entries.
    pub access_entries: Option<Arc<AccessEntries>>,
    /// Without Karpenter's node classes.
    pub node_inventory: NodeInventory,
    /// What else the controller asked AWS.
    pub aws: AwsFacts,
    /// What AWS did not return and how to allow it, as sentences.
    pub unavailable: Vec<String>,
}

/// Reads a cluster from EKS, and the answers to `query`. Calls `read` with what EKS returned before it waits for these answers. Blocks; must
/// not be called from within an async runtime.
///
/// # Errors
/// If there are no credentials, the cluster does not exist, or EKS does not answer.
pub fn read_snapshot(
    name: &str,
    options: &CredentialOptions,
    query: &AwsQuery,
    read: impl FnOnce(EksSnapshot),
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
    let unavailable = unavailable.iter();
    let mut snapshot = EksSnapshot {
        mode: cluster.facts.authentication_mode,
        account: Some(cluster.facts.account().to_owned()),
        access_entries,
        node_inventory: NodeInventory {
            groups,
            profiles,
            ..NodeInventory::default()
        },
        aws: AwsFacts::default(),
        unavailable: unavailable
            .map(|missing| format!("{}; {}", missing.message(name), missing.hint()))
            .collect(),
    };
    if *query != AwsQuery::default() {
        read(snapshot.clone());
    }
    snapshot.aws = answers(&cluster, query, &mut snapshot.unavailable);
    Ok(snapshot)
}

/// Asks IAM and EKS what a query requests. Adds the missing answers to `unavailable`.
fn answers(cluster: &EksCluster, query: &AwsQuery, unavailable: &mut Vec<String>) -> AwsFacts {
    let mut facts = AwsFacts {
        cluster_arn: Some(cluster.facts.arn.clone()),
        ..AwsFacts::default()
    };
    let mut report = |error: &ActionError| {
        let message = format!("{}; {}", error_chain::text(error), error.hint());
        unavailable.push(message.clone());
        message
    };
    if !query.roles.is_empty() {
        let roles = cluster.iam().and_then(|mut iam| match query.roles.len() {
            0..MAX_NAMED_ROLES => iam.roles_named(&query.roles),
            _ => iam.roles(&query.roles),
        });
        facts.roles = roles.unwrap_or_else(|error| {
            report(&error);
            Listed::default()
        });
    }
    if query.permission_sets {
        let roles = cluster
            .iam()
            .and_then(|mut iam| iam.roles_below(PATH_PREFIX));
        facts.permission_set_roles = match roles {
            Ok(roles) => Known::Is(roles),
            Err(error) => Known::Unknown {
                needs: report(&error),
            },
        };
    }
    if query.policies {
        let policies = cluster.with_client(|eks| eks.access_policies());
        facts.policies = policies
            .map_err(|missing| unavailable.push(missing.hint()))
            .ok();
    }
    facts
}
