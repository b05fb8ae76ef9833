use std::io;

use aws_sdk_eks::Client;
use aws_sdk_eks::types::AccessScopeType;

use super::{Eks, EksError, Untold};
use crate::aws::AwsError;
use crate::aws::at_once::at_once;
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms, STANDARD};

/// The actions that take part, all of which one statement allows.
const LIST: &str = "eks:ListAccessEntries";
pub(super) const DESCRIBE: &str = "eks:DescribeAccessEntry";
pub(super) const POLICIES: &str = "eks:ListAssociatedAccessPolicies";

/// What EKS told of a cluster's access entries.
#[derive(Debug)]
pub struct Told {
    /// All of them, in EKS's order.
    pub entries: Vec<AccessEntry>,
    /// What it did not tell of some; at most one for each action.
    pub untold: Vec<Untold>,
}

impl Eks {
    /// The access entries of a cluster, and what each whose principal is `wanted` says.
    ///
    /// # Errors
    /// When not even their names are told.
    pub fn access_entries(
        &mut self,
        cluster: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Told, Untold> {
        let client = self.client.clone();
        let untold = |action, why| Untold { action, why };
        let listed = self.network.wait(names(&client, cluster));
        let names = match listed {
            Ok(Ok(names)) => names,
            Ok(Err(error)) => return Err(untold(LIST, self.unanswered(cluster, error))),
            Err(error) => return Err(untold(LIST, error.into())),
        };
        let answers = match self
            .network
            .wait(describe_all(&client, cluster, names, wanted))
        {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) | Err(error) => return Err(untold(DESCRIBE, error.into())),
        };
        let mut told = Told {
            entries: Vec::with_capacity(answers.len()),
            untold: Vec::new(),
        };
        for answer in answers {
            told.entries.extend(answer.entry);
            if let Some((action, error)) = answer.untold
                && told.untold.iter().all(|other| other.action != action)
            {
                told.untold
                    .push(untold(action, self.unanswered(cluster, error)));
            }
        }
        Ok(told)
    }

    fn unanswered(&self, cluster: &str, error: AwsError) -> EksError {
        self.refused(
            cluster,
            error,
            &[LIST, DESCRIBE, POLICIES],
            &["access-entry"],
        )
    }
}

/// What became of one access entry.
struct Answer {
    /// It, unless it is gone since it was listed.
    entry: Option<AccessEntry>,
    /// What of it was not told.
    untold: Option<(&'static str, AwsError)>,
}

async fn names(client: &Client, cluster: &str) -> Result<Vec<String>, AwsError> {
    let asking = client.list_access_entries().cluster_name(cluster);
    let mut pages = asking.into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(name) = pages.next().await {
        names.push(name.map_err(AwsError::of)?);
    }
    Ok(names)
}

async fn describe_all(
    client: &Client,
    cluster: &str,
    names: Vec<String>,
    wanted: &dyn Fn(&str) -> bool,
) -> io::Result<Vec<Answer>> {
    let names: Vec<_> = names.into_iter().map(|arn| (wanted(&arn), arn)).collect();
    at_once(names, |(is_wanted, principal_arn)| {
        let (client, cluster) = (client.clone(), cluster.to_owned());
        async move {
            match is_wanted {
                true => describe(&client, &cluster, principal_arn).await,
                false => Answer {
                    entry: Some(AccessEntry {
                        principal_arn,
                        terms: None,
                    }),
                    untold: None,
                },
            }
        }
    })
    .await
}

async fn describe(client: &Client, cluster: &str, principal_arn: String) -> Answer {
    let asking = client.describe_access_entry().cluster_name(cluster);
    let described = asking.principal_arn(&principal_arn).send().await;
    let said = match described.map_err(AwsError::of) {
        Ok(answer) => answer.access_entry,
        Err(error) if error.code() == Some("ResourceNotFoundException") => {
            return Answer {
                entry: None,
                untold: None,
            };
        }
        Err(error) => {
            let terms = None;
            return Answer {
                entry: Some(AccessEntry {
                    principal_arn,
                    terms,
                }),
                untold: Some((DESCRIBE, error)),
            };
        }
    };
    let (mut terms, mut untold) = (None, None);
    if let Some(said) = said {
        let kind = said.r#type.unwrap_or_else(|| STANDARD.to_owned());
        // The others have what they need without any, and can have none.
        let policies = match kind.as_str() {
            STANDARD => policies(client, cluster, &principal_arn).await,
            _ => Ok(Vec::new()),
        };
        terms = Some(AccessTerms {
            kind,
            username: said.username.filter(|username| !username.is_empty()),
            groups: said.kubernetes_groups.unwrap_or_default(),
            policies: policies
                .map_err(|error| untold = Some((POLICIES, error)))
                .ok(),
        });
    }
    Answer {
        entry: Some(AccessEntry {
            principal_arn,
            terms,
        }),
        untold,
    }
}

async fn policies(
    client: &Client,
    cluster: &str,
    principal_arn: &str,
) -> Result<Vec<AccessPolicy>, AwsError> {
    let asking = client
        .list_associated_access_policies()
        .cluster_name(cluster)
        .principal_arn(principal_arn);
    let mut pages = asking.into_paginator().items().send();
    let mut policies = Vec::new();
    while let Some(policy) = pages.next().await {
        let policy = policy.map_err(AwsError::of)?;
        let scope = policy.access_scope;
        let is_cluster = scope.as_ref().and_then(|scope| scope.r#type.as_ref())
            == Some(&AccessScopeType::Cluster);
        let namespaces = scope.and_then(|scope| scope.namespaces);
        policies.push(AccessPolicy {
            arn: policy.policy_arn.unwrap_or_default(),
            scope: match is_cluster {
                true => AccessScope::Cluster,
                false => AccessScope::Namespaces(namespaces.unwrap_or_default()),
            },
        });
    }
    Ok(policies)
}
