use std::collections::VecDeque;
use std::io;

use aws_sdk_eks::Client;
use aws_sdk_eks::types::AccessScopeType;
use serde_json::json;
use tokio::task::JoinSet;

use super::error::allow;
use super::{Eks, EksError};
use crate::aws::AwsError;
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms, STANDARD};
use crate::facts::partitions::Partition;

/// So many access entries are asked for at the same time.
const AT_ONCE: usize = 8;

/// The actions that take part, all of which one statement allows.
const LIST: &str = "eks:ListAccessEntries";
const DESCRIBE: &str = "eks:DescribeAccessEntry";
const POLICIES: &str = "eks:ListAssociatedAccessPolicies";

/// What EKS told of a cluster's access entries.
#[derive(Debug)]
pub struct Told {
    /// All of them, in EKS's order.
    pub entries: Vec<AccessEntry>,
    /// What it did not tell of some; at most one for each action.
    pub untold: Vec<Untold>,
}

/// What EKS did not tell of access entries.
#[derive(Debug)]
pub struct Untold {
    /// What was asked for, such as `eks:ListAccessEntries`.
    pub action: &'static str,
    /// Why there is no answer.
    pub why: EksError,
}

impl Untold {
    /// What is not known, to be followed by `of cluster NAME`.
    pub fn what(&self) -> &'static str {
        match self.action {
            DESCRIBE => "what is in the access entries",
            POLICIES => "the access policies of access entries",
            _ => "the access entries",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match &self.why {
            EksError::Denied { refusal, statement } => allow(refusal, statement),
            why => why.hint(),
        }
    }
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
            Err(error) => return Err(untold(LIST, EksError::Network(error))),
        };
        let answers = match self
            .network
            .wait(describe_all(&client, cluster, names, wanted))
        {
            Ok(Ok(answers)) => answers,
            Ok(Err(error)) | Err(error) => return Err(untold(DESCRIBE, EksError::Network(error))),
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

    /// Why EKS did not answer, with the statement that allows all that is asked about access entries.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html>
    fn unanswered(&self, cluster: &str, error: AwsError) -> EksError {
        if !matches!(error.code(), Some("AccessDeniedException" | "AccessDenied")) {
            return EksError::Aws(error);
        }
        let partition = Partition::of_region(&self.region).id;
        let account = self.credentials.account_id.as_deref().unwrap_or("*");
        let resource = |kind: &str| format!("arn:{partition}:eks:{}:{account}:{kind}", self.region);
        let statement = json!({
            "Effect": "Allow",
            "Action": [LIST, DESCRIBE, POLICIES],
            "Resource": [
                resource(&format!("cluster/{cluster}")),
                resource(&format!("access-entry/{cluster}/*")),
            ],
        });
        EksError::Denied {
            refusal: error,
            statement: statement.to_string(),
        }
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

/// Some of them at the same time; the order stays.
async fn describe_all(
    client: &Client,
    cluster: &str,
    names: Vec<String>,
    wanted: &dyn Fn(&str) -> bool,
) -> io::Result<Vec<Answer>> {
    let mut answers: Vec<Answer> = Vec::with_capacity(names.len());
    let mut left = VecDeque::new();
    for (number, principal_arn) in names.into_iter().enumerate() {
        if wanted(&principal_arn) {
            left.push_back((number, principal_arn.clone()));
        }
        let entry = AccessEntry {
            principal_arn,
            terms: None,
        };
        answers.push(Answer {
            entry: Some(entry),
            untold: None,
        });
    }
    let mut asked = JoinSet::new();
    loop {
        while asked.len() < AT_ONCE
            && let Some((number, arn)) = left.pop_front()
        {
            let (client, cluster) = (client.clone(), cluster.to_owned());
            asked.spawn(async move { (number, describe(&client, &cluster, arn).await) });
        }
        let Some(answered) = asked.join_next().await else {
            return Ok(answers);
        };
        let (number, answer) = answered.map_err(io::Error::other)?;
        answers[number] = answer;
    }
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
