//! Node groups and Fargate profiles.

use aws_sdk_eks::Client;
use aws_sdk_eks::types::{FargateProfile as Profile, Nodegroup};

use super::actions::{
    DESCRIBE_FARGATE_PROFILE, DESCRIBE_NODE_GROUP, LIST_FARGATE_PROFILES, LIST_NODE_GROUPS,
};
use super::client::Eks;
use super::read_error::{EksError, Unavailable};
use super::read_pages::read_pages;
use crate::AwsError;
use crate::concurrency::map_concurrently;
use awsauth_core::facts::node_inventory::{FargateProfile, Issue, NodeGroup};

/// The node groups and Fargate profiles that EKS returned.
#[derive(Debug)]
pub struct Nodes {
    /// In EKS's order.
    pub groups: Result<Vec<NodeGroup>, Unavailable>,
    /// In EKS's order.
    pub profiles: Result<Vec<FargateProfile>, Unavailable>,
}

/// The action that failed, and its error.
type Failed = (&'static str, EksError);

impl Eks {
    /// Describes the managed node groups and the Fargate profiles of a cluster concurrently.
    pub fn nodes(&mut self, cluster: &str) -> Nodes {
        let client = self.client.clone();
        let both = async { tokio::join!(groups(&client, cluster), profiles(&client, cluster)) };
        let (groups, profiles) = match self.runtime.block_on(both) {
            Ok(both) => both,
            Err(error) => {
                let again = std::io::Error::new(error.kind(), error.to_string());
                (
                    Err((LIST_NODE_GROUPS, error.into())),
                    Err((LIST_FARGATE_PROFILES, again.into())),
                )
            }
        };
        let of_groups = [LIST_NODE_GROUPS, DESCRIBE_NODE_GROUP];
        let of_profiles = [LIST_FARGATE_PROFILES, DESCRIBE_FARGATE_PROFILE];
        Nodes {
            groups: groups.map_err(|why| self.unavailable(cluster, why, &of_groups, "nodegroup")),
            profiles: profiles
                .map_err(|why| self.unavailable(cluster, why, &of_profiles, "fargateprofile")),
        }
    }

    fn unavailable(
        &self,
        cluster: &str,
        (action, why): Failed,
        actions: &[&str],
        kind: &str,
    ) -> Unavailable {
        let why = match why {
            EksError::Aws(error) => self.refused(cluster, error, actions, &[kind]),
            why => why,
        };
        Unavailable { action, why }
    }
}

async fn groups(client: &Client, cluster: &str) -> Result<Vec<NodeGroup>, Failed> {
    let asking = client.list_nodegroups().cluster_name(cluster);
    let names = read_pages(asking.into_paginator().send(), |page| page.nodegroups).await;
    let names = names.map_err(|error| (LIST_NODE_GROUPS, EksError::Aws(error)))?;
    let described = map_concurrently(names, |name| {
        let asking = client.describe_nodegroup().cluster_name(cluster);
        let asking = asking.nodegroup_name(name).send();
        async move {
            let answer = asking.await.map_err(AwsError::of);
            none_if_missing(answer.map(|answer| answer.nodegroup.map(group)))
        }
    });
    all(described.await, DESCRIBE_NODE_GROUP)
}

async fn profiles(client: &Client, cluster: &str) -> Result<Vec<FargateProfile>, Failed> {
    let asking = client.list_fargate_profiles().cluster_name(cluster);
    let pages = asking.into_paginator().send();
    let names = read_pages(pages, |page| page.fargate_profile_names).await;
    let names = names.map_err(|error| (LIST_FARGATE_PROFILES, EksError::Aws(error)))?;
    let described = map_concurrently(names, |name| {
        let asking = client.describe_fargate_profile().cluster_name(cluster);
        let asking = asking.fargate_profile_name(name).send();
        async move {
            let answer = asking.await.map_err(AwsError::of);
            none_if_missing(answer.map(|answer| answer.fargate_profile.map(profile)))
        }
    });
    all(described.await, DESCRIBE_FARGATE_PROFILE)
}

/// Treats an item that was deleted after it was listed as missing.
fn none_if_missing<T>(answer: Result<Option<T>, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        answer => answer,
    }
}

fn all<T>(
    described: std::io::Result<Vec<Result<Option<T>, AwsError>>>,
    action: &'static str,
) -> Result<Vec<T>, Failed> {
    let described = described.map_err(|error| (action, error.into()))?;
    let found: Result<Vec<Option<T>>, AwsError> = described.into_iter().collect();
    let found = found.map_err(|error| (action, EksError::Aws(error)))?;
    Ok(found.into_iter().flatten().collect())
}

fn group(source: Nodegroup) -> NodeGroup {
    let issues = source.health.and_then(|health| health.issues);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    NodeGroup {
        name: source.nodegroup_name.unwrap_or_default(),
        role: source.node_role,
        ami_type: text(source.ami_type.as_ref().map(|kind| kind.as_str())),
        status: text(source.status.as_ref().map(|status| status.as_str())),
        issues: issues
            .unwrap_or_default()
            .into_iter()
            .map(|issue| Issue {
                code: text(issue.code.as_ref().map(|code| code.as_str())),
                message: issue.message.unwrap_or_default(),
                resources: issue.resource_ids.unwrap_or_default(),
            })
            .collect(),
    }
}

fn profile(source: Profile) -> FargateProfile {
    let status = source.status.as_ref().map(|status| status.as_str());
    FargateProfile {
        name: source.fargate_profile_name.unwrap_or_default(),
        role: source.pod_execution_role_arn,
        status: status.unwrap_or_default().to_owned(),
    }
}
