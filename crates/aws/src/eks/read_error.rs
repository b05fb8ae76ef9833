//! Errors from reading clusters, access entries and nodes in EKS.

use std::fmt;

use serde_json::json;
use thiserror::Error;

use super::actions::{
    DESCRIBE_ACCESS_ENTRY, DESCRIBE_FARGATE_PROFILE, DESCRIBE_NODE_GROUP, LIST_ACCESS_POLICIES,
    LIST_FARGATE_PROFILES, LIST_NODE_GROUPS, LIST_POLICIES,
};
use crate::{AwsError, SetupError};
use awsauth_core::facts::partitions::Partition;

/// The maximum number of cluster names in a hint.
const MAX_NAMES: usize = 10;

/// Why EKS returned no cluster.
#[derive(Debug, Error)]
pub enum EksError {
    /// No cluster has this name.
    #[error("there is no cluster {name:?} in {region}{}", of_account(account.as_deref()))]
    NoSuchCluster {
        name: String,
        region: String,
        /// The account of the credentials, if it is known.
        account: Option<String>,
        /// The existing clusters, if the caller is allowed to list them.
        others: Vec<String>,
    },
    /// The caller lacks a permission.
    #[error("{refusal}")]
    Denied {
        refusal: AwsError,
        /// The policy statement that allows the request, as JSON.
        statement: String,
    },
    /// The cluster is being created or deleted, or has failed.
    #[error("the cluster {name} is {status}")]
    NotReady {
        name: String,
        /// EKS's status, such as `CREATING`.
        status: String,
    },
    /// A required field is missing in the response.
    #[error("EKS's response has no {field} for cluster {name}")]
    Incomplete { name: String, field: &'static str },
    /// EKS refused the request or could not be reached.
    #[error(transparent)]
    Aws(AwsError),
    /// No request was sent.
    #[error(transparent)]
    Setup(SetupError),
}

impl<E: Into<SetupError>> From<E> for EksError {
    fn from(error: E) -> Self {
        Self::Setup(error.into())
    }
}

impl EksError {
    /// Whether the user's input is at fault, as opposed to AWS or the network.
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Setup(error) if error.is_input())
    }

    /// Whether the cluster will be ready soon.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::NotReady { status, .. } if ["CREATING", "PENDING"].contains(&status.as_str()))
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSuchCluster {
                name,
                region,
                others,
                ..
            } => no_such_cluster(name, region, others),
            Self::Denied { refusal, statement } => {
                let allow = allow(refusal, statement);
                format!(
                    "{allow}; or run without EKS: awsauth kubeconfig --cluster-name NAME --endpoint URL --certificate-authority FILE"
                )
            }
            Self::NotReady { .. } if self.is_transient() => {
                "wait until it is ready: --wait 20m".to_owned()
            }
            Self::NotReady { name, .. } => {
                format!("check its status: aws eks describe-cluster --name {name}")
            }
            Self::Incomplete { .. } => {
                "check whether AWS_ENDPOINT_URL_EKS or a proxy redirects the request".to_owned()
            }
            Self::Aws(error) => error.hint(),
            Self::Setup(error) => error.hint(),
        }
    }
}

/// Returns the hint to add a policy statement.
pub(super) fn allow(refusal: &AwsError, statement: &str) -> String {
    let refused = refusal.refused();
    let caller = refused.and_then(|refused| refused.caller());
    let caller = caller.unwrap_or("your identity");
    format!("ask an administrator to add this to a policy of {caller}: {statement}")
}

fn of_account(account: Option<&str>) -> impl fmt::Display {
    account.map_or_else(String::new, |account| format!(" of account {account}"))
}

fn no_such_cluster(name: &str, region: &str, others: &[String]) -> String {
    if others.is_empty() {
        return format!(
            "try another region with --region, or other credentials with --profile or --role-arn; list clusters: aws eks list-clusters --region {region}"
        );
    }
    let mut near: Vec<&String> = others.iter().collect();
    near.sort_by_key(|other| {
        strsim::damerau_levenshtein(&other.to_lowercase(), &name.to_lowercase())
    });
    let more = match near.len().saturating_sub(MAX_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let near: Vec<&str> = near
        .into_iter()
        .take(MAX_NAMES)
        .map(String::as_str)
        .collect();
    format!(
        "clusters in this region: {}{more}; try another region with --region, or other credentials with --profile or --role-arn",
        near.join(", ")
    )
}

/// Returns the policy statement that allows an action on a cluster, on one line.
pub(super) fn statement(action: &str, region: &str, name: &str, error: &AwsError) -> String {
    // The message of a denial names the resource.
    let message = error.refused().map_or("", |refused| &refused.message);
    let denied = message.split_once("on resource: ").and_then(|(_, rest)| {
        rest.split([' ', ','])
            .next()
            .filter(|arn| arn.starts_with("arn:"))
    });
    let resource = denied.map_or_else(
        || {
            let partition = Partition::of_region(region).id;
            format!("arn:{partition}:eks:{region}:*:cluster/{name}")
        },
        str::to_owned,
    );
    let resource = json!(resource);
    format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":{resource}}}"#)
}

/// Information that EKS did not return.
#[derive(Debug)]
pub struct Unavailable {
    /// The action, such as `eks:ListAccessEntries`.
    pub action: &'static str,
    pub why: EksError,
}

impl Unavailable {
    /// Returns what is missing, to be followed by `of cluster NAME`.
    pub fn what(&self) -> &'static str {
        match self.action {
            DESCRIBE_ACCESS_ENTRY => "the contents of the access entries",
            LIST_ACCESS_POLICIES => "the access policies of access entries",
            LIST_POLICIES => "the names of access policies",
            LIST_NODE_GROUPS | DESCRIBE_NODE_GROUP => "the managed node groups",
            LIST_FARGATE_PROFILES | DESCRIBE_FARGATE_PROFILE => "the Fargate profiles",
            _ => "the access entries",
        }
    }

    /// Returns a sentence with the cluster's name.
    pub fn message(&self, cluster: &str) -> String {
        format!(
            "EKS did not return {} of cluster {cluster}: {}",
            self.what(),
            self.why
        )
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match &self.why {
            EksError::Denied { refusal, statement } => allow(refusal, statement),
            why => why.hint(),
        }
    }
}
