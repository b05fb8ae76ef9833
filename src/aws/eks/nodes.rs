use aws_sdk_eks::Client;
use aws_sdk_eks::types::{FargateProfile as Profile, Nodegroup};

use super::{Eks, EksError, Untold};
use crate::aws::AwsError;
use crate::aws::at_once::at_once;
use crate::facts::fleet::{FargateProfile, Issue, NodeGroup};

pub(super) const LIST_GROUPS: &str = "eks:ListNodegroups";
pub(super) const DESCRIBE_GROUP: &str = "eks:DescribeNodegroup";
pub(super) const LIST_PROFILES: &str = "eks:ListFargateProfiles";
pub(super) const DESCRIBE_PROFILE: &str = "eks:DescribeFargateProfile";

/// What EKS told of a cluster's nodes.
#[derive(Debug)]
pub struct Nodes {
    /// The managed node groups, in EKS's order.
    pub groups: Result<Vec<NodeGroup>, Untold>,
    /// The Fargate profiles, likewise.
    pub profiles: Result<Vec<FargateProfile>, Untold>,
}

/// Which question was not answered, and why not.
type Unanswered = (&'static str, EksError);

impl Eks {
    /// The managed node groups and the Fargate profiles of a cluster, asked for at the same time.
    pub fn nodes(&mut self, cluster: &str) -> Nodes {
        let client = self.client.clone();
        let both = async { tokio::join!(groups(&client, cluster), profiles(&client, cluster)) };
        let (groups, profiles) = match self.network.wait(both) {
            Ok(both) => both,
            Err(error) => {
                let again = std::io::Error::new(error.kind(), error.to_string());
                (
                    Err((LIST_GROUPS, error.into())),
                    Err((LIST_PROFILES, again.into())),
                )
            }
        };
        let of_groups = [LIST_GROUPS, DESCRIBE_GROUP];
        let of_profiles = [LIST_PROFILES, DESCRIBE_PROFILE];
        Nodes {
            groups: groups.map_err(|why| self.untold(cluster, why, &of_groups, "nodegroup")),
            profiles: profiles
                .map_err(|why| self.untold(cluster, why, &of_profiles, "fargateprofile")),
        }
    }

    fn untold(
        &self,
        cluster: &str,
        (action, why): Unanswered,
        actions: &[&str],
        kind: &str,
    ) -> Untold {
        let why = match why {
            EksError::Aws(error) => self.refused(cluster, error, actions, &[kind]),
            why => why,
        };
        Untold { action, why }
    }
}

async fn groups(client: &Client, cluster: &str) -> Result<Vec<NodeGroup>, Unanswered> {
    let asking = client.list_nodegroups().cluster_name(cluster);
    let mut pages = asking.into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(name) = pages.next().await {
        names.push(name.map_err(|error| (LIST_GROUPS, EksError::Aws(AwsError::of(error))))?);
    }
    let described = at_once(names, |name| {
        let asking = client.describe_nodegroup().cluster_name(cluster);
        let asking = asking.nodegroup_name(name).send();
        async move {
            let answer = asking.await.map_err(AwsError::of);
            or_gone(answer.map(|answer| answer.nodegroup.map(group)))
        }
    });
    all(described.await, DESCRIBE_GROUP)
}

async fn profiles(client: &Client, cluster: &str) -> Result<Vec<FargateProfile>, Unanswered> {
    let asking = client.list_fargate_profiles().cluster_name(cluster);
    let mut pages = asking.into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(name) = pages.next().await {
        names.push(name.map_err(|error| (LIST_PROFILES, EksError::Aws(AwsError::of(error))))?);
    }
    let described = at_once(names, |name| {
        let asking = client.describe_fargate_profile().cluster_name(cluster);
        let asking = asking.fargate_profile_name(name).send();
        async move {
            let answer = asking.await.map_err(AwsError::of);
            or_gone(answer.map(|answer| answer.fargate_profile.map(profile)))
        }
    });
    all(described.await, DESCRIBE_PROFILE)
}

/// What is gone since it was listed is nothing any more.
fn or_gone<T>(answer: Result<Option<T>, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        answer => answer,
    }
}

fn all<T>(
    described: std::io::Result<Vec<Result<Option<T>, AwsError>>>,
    action: &'static str,
) -> Result<Vec<T>, Unanswered> {
    let described = described.map_err(|error| (action, error.into()))?;
    let found: Result<Vec<Option<T>>, AwsError> = described.into_iter().collect();
    let found = found.map_err(|error| (action, EksError::Aws(error)))?;
    Ok(found.into_iter().flatten().collect())
}

fn group(said: Nodegroup) -> NodeGroup {
    let issues = said.health.and_then(|health| health.issues);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    NodeGroup {
        name: said.nodegroup_name.unwrap_or_default(),
        role: said.node_role,
        ami_type: text(said.ami_type.as_ref().map(|kind| kind.as_str())),
        status: text(said.status.as_ref().map(|status| status.as_str())),
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

fn profile(said: Profile) -> FargateProfile {
    let status = said.status.as_ref().map(|status| status.as_str());
    FargateProfile {
        name: said.fargate_profile_name.unwrap_or_default(),
        role: said.pod_execution_role_arn,
        status: status.unwrap_or_default().to_owned(),
    }
}
