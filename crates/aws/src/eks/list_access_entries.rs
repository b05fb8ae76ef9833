//! Lists and describes access entries.

use std::io;

use aws_sdk_eks::Client;
use aws_sdk_eks::primitives::DateTime;
use aws_sdk_eks::types::AccessScopeType;

use jiff::Timestamp;
use serde_json::json;

use super::actions::{
    DESCRIBE_ACCESS_ENTRY, LIST_ACCESS_ENTRIES, LIST_ACCESS_POLICIES, LIST_POLICIES,
};
use super::client::Eks;
use super::read_error::{EksError, Unavailable};
use super::read_pages::read_pages;
use crate::AwsError;
use crate::concurrency::map_concurrently;
use awsauth_core::facts::access_entries::{
    AUTO_MODE, AccessEntry, AccessPolicy, AccessScope, AccessTerms, STANDARD,
};

/// The access entries that EKS returned.
#[derive(Debug)]
pub struct AccessEntryList {
    /// All entries, in EKS's order.
    pub entries: Vec<AccessEntry>,
    /// What EKS did not return; at most one item for each action.
    pub unavailable: Vec<Unavailable>,
}

impl Eks {
    /// Lists the access entries of a cluster, and describes those whose principal is `wanted`.
    ///
    /// # Errors
    /// If EKS does not list them.
    pub fn access_entries(
        &mut self,
        cluster: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<AccessEntryList, Unavailable> {
        let client = self.client.clone();
        let unavailable = |action, why| Unavailable { action, why };
        let listed = self.runtime.block_on(names(&client, cluster));
        let names = match listed {
            Ok(Ok(names)) => names,
            Ok(Err(error)) => {
                return Err(unavailable(
                    LIST_ACCESS_ENTRIES,
                    self.unanswered(cluster, error),
                ));
            }
            Err(error) => return Err(unavailable(LIST_ACCESS_ENTRIES, error.into())),
        };
        let answers = match self
            .runtime
            .block_on(describe_all(&client, cluster, names, wanted))
        {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) | Err(error) => {
                return Err(unavailable(DESCRIBE_ACCESS_ENTRY, error.into()));
            }
        };
        let mut list = AccessEntryList {
            entries: Vec::with_capacity(answers.len()),
            unavailable: Vec::new(),
        };
        for answer in answers {
            list.entries.extend(answer.entry);
            if let Some((action, error)) = answer.unavailable
                && list.unavailable.iter().all(|other| other.action != action)
            {
                list.unavailable
                    .push(unavailable(action, self.unanswered(cluster, error)));
            }
        }
        Ok(list)
    }

    /// Returns the ARNs of all access policies of EKS.
    ///
    /// # Errors
    /// If EKS does not list them.
    pub fn access_policies(&mut self) -> Result<Vec<String>, Unavailable> {
        let client = self.client.clone();
        let unavailable = |why| Unavailable {
            action: LIST_POLICIES,
            why,
        };
        let listed = self.runtime.block_on(policy_arns(&client));
        match listed {
            Ok(Ok(arns)) => Ok(arns),
            Ok(Err(error)) if error.is_denial() => Err(unavailable(EksError::Denied {
                statement: json!({"Effect": "Allow", "Action": LIST_POLICIES, "Resource": "*"})
                    .to_string(),
                refusal: error,
            })),
            Ok(Err(error)) => Err(unavailable(EksError::Aws(error))),
            Err(error) => Err(unavailable(error.into())),
        }
    }

    /// Describes the access entry of one principal; `None` if it has none.
    ///
    /// # Errors
    /// If EKS does not return the entry or its policies.
    pub fn access_entry(
        &mut self,
        cluster: &str,
        principal_arn: &str,
    ) -> Result<Option<AccessEntry>, EksError> {
        let client = self.client.clone();
        let described = described_entry(&client, cluster, principal_arn);
        let described = self.runtime.block_on(described)?;
        described.map_err(|error| self.unanswered(cluster, error))
    }

    fn unanswered(&self, cluster: &str, error: AwsError) -> EksError {
        self.refused(
            cluster,
            error,
            &[
                LIST_ACCESS_ENTRIES,
                DESCRIBE_ACCESS_ENTRY,
                LIST_ACCESS_POLICIES,
            ],
            &["access-entry"],
        )
    }
}

/// The result for one access entry.
struct Answer {
    /// The entry; `None` if it was deleted after it was listed.
    entry: Option<AccessEntry>,
    /// The action that failed, and its error.
    unavailable: Option<(&'static str, AwsError)>,
}

async fn names(client: &Client, cluster: &str) -> Result<Vec<String>, AwsError> {
    let asking = client.list_access_entries().cluster_name(cluster);
    read_pages(asking.into_paginator().send(), |page| page.access_entries).await
}

async fn policy_arns(client: &Client) -> Result<Vec<String>, AwsError> {
    let pages = client.list_access_policies().into_paginator().send();
    let policies = read_pages(pages, |page| page.access_policies).await?;
    Ok(policies
        .into_iter()
        .filter_map(|policy| policy.arn)
        .collect())
}

async fn describe_all(
    client: &Client,
    cluster: &str,
    names: Vec<String>,
    wanted: &dyn Fn(&str) -> bool,
) -> io::Result<Vec<Answer>> {
    let names: Vec<_> = names.into_iter().map(|arn| (wanted(&arn), arn)).collect();
    map_concurrently(names, |(is_wanted, principal_arn)| {
        let (client, cluster) = (client.clone(), cluster.to_owned());
        async move {
            match is_wanted {
                true => describe(&client, &cluster, principal_arn).await,
                false => Answer {
                    entry: Some(AccessEntry {
                        principal_arn,
                        terms: None,
                    }),
                    unavailable: None,
                },
            }
        }
    })
    .await
}

async fn describe(client: &Client, cluster: &str, principal_arn: String) -> Answer {
    let asking = client.describe_access_entry().cluster_name(cluster);
    let described = asking.principal_arn(&principal_arn).send().await;
    let entry_data = match described.map_err(AwsError::of) {
        Ok(answer) => answer.access_entry,
        Err(error) if error.code() == Some("ResourceNotFoundException") => {
            return Answer {
                entry: None,
                unavailable: None,
            };
        }
        Err(error) => {
            let terms = None;
            return Answer {
                entry: Some(AccessEntry {
                    principal_arn,
                    terms,
                }),
                unavailable: Some((DESCRIBE_ACCESS_ENTRY, error)),
            };
        }
    };
    let (mut terms, mut unavailable) = (None, None);
    if let Some(entry_data) = entry_data {
        let kind = entry_data.r#type.unwrap_or_else(|| STANDARD.to_owned());
        // Entries of other types have fixed permissions and no access policies.
        let policies = match kind.as_str() {
            STANDARD | AUTO_MODE => policies(client, cluster, &principal_arn).await,
            _ => Ok(Vec::new()),
        };
        terms = Some(AccessTerms {
            kind,
            username: entry_data.username.filter(|username| !username.is_empty()),
            groups: entry_data.kubernetes_groups.unwrap_or_default(),
            policies: policies
                .map_err(|error| unavailable = Some((LIST_ACCESS_POLICIES, error)))
                .ok(),
            tags: entry_data.tags.unwrap_or_default().into_iter().collect(),
            arn: entry_data.access_entry_arn,
            created_at: entry_data.created_at.and_then(timestamp),
        });
    }
    Answer {
        entry: Some(AccessEntry {
            principal_arn,
            terms,
        }),
        unavailable,
    }
}

fn timestamp(time: DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), time.subsec_nanos().try_into().ok()?).ok()
}

/// Describes one entry with its policies; `None` if it does not exist.
///
/// # Errors
/// If EKS does not return the entry or its policies.
pub(super) async fn described_entry(
    client: &Client,
    cluster: &str,
    principal_arn: &str,
) -> Result<Option<AccessEntry>, AwsError> {
    let answer = describe(client, cluster, principal_arn.to_owned()).await;
    match answer.unavailable {
        Some((_, error)) => Err(error),
        None => Ok(answer.entry),
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
    let pages = asking.into_paginator().send();
    let listed = read_pages(pages, |page| page.associated_access_policies).await?;
    let policies = listed.into_iter().map(|policy| {
        let scope = policy.access_scope;
        let is_cluster = scope.as_ref().and_then(|scope| scope.r#type.as_ref())
            == Some(&AccessScopeType::Cluster);
        let namespaces = scope.and_then(|scope| scope.namespaces);
        AccessPolicy {
            arn: policy.policy_arn.unwrap_or_default(),
            scope: match is_cluster {
                true => AccessScope::Cluster,
                false => AccessScope::Namespaces(namespaces.unwrap_or_default()),
            },
        }
    });
    Ok(policies.collect())
}
