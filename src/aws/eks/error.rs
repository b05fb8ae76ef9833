use std::fmt;

use serde_json::json;
use thiserror::Error;

use crate::aws::{AwsError, Unasked};
use crate::facts::partitions::Partition;

/// The most names of other clusters that a message holds.
const SHOWN: usize = 10;

/// Why EKS told nothing of a cluster.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EksError {
    /// There is none of this name.
    #[error("there is no cluster {name:?} in {region}{}", of_account(account.as_deref()))]
    NoSuchCluster {
        /// The name.
        name: String,
        /// The region that was asked.
        region: String,
        /// The account that was asked.
        account: Option<String>,
        /// The clusters that are there, as far as that could be seen.
        others: Vec<String>,
    },
    /// The caller may not ask.
    #[error("{refusal}")]
    Denied {
        /// What EKS said.
        refusal: AwsError,
        /// The statement that would allow it, as JSON.
        statement: String,
    },
    /// It is being made or unmade, or broken.
    #[error("the cluster {name} is {status}")]
    NotReady {
        /// Its name.
        name: String,
        /// EKS's word, such as `CREATING`.
        status: String,
    },
    /// EKS left out what every cluster has.
    #[error("EKS says no {field} of the cluster {name}")]
    Incomplete {
        /// The cluster's name.
        name: String,
        /// What it left out.
        field: &'static str,
    },
    /// EKS could not be asked, or answered with something else.
    #[error(transparent)]
    Aws(AwsError),
    /// It was not even asked.
    #[error(transparent)]
    Unasked(Unasked),
}

impl<E: Into<Unasked>> From<E> for EksError {
    fn from(error: E) -> Self {
        Self::Unasked(error.into())
    }
}

impl EksError {
    /// Whether something that the user wrote is at fault, rather than AWS or the network.
    pub fn is_input(&self) -> bool {
        matches!(self, Self::Unasked(error) if error.is_input())
    }

    /// Whether it is only a matter of time.
    pub fn will_pass(&self) -> bool {
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
                    "{allow}; or do without EKS: awsauth kubeconfig --cluster-name NAME --endpoint URL --certificate-authority FILE"
                )
            }
            Self::NotReady { .. } if self.will_pass() => {
                "wait until it is there: --wait 20m".to_owned()
            }
            Self::NotReady { name, .. } => {
                format!("see what happened to it: aws eks describe-cluster --name {name}")
            }
            Self::Incomplete { .. } => {
                "see whether AWS_ENDPOINT_URL_EKS or a proxy sends it elsewhere".to_owned()
            }
            Self::Aws(error) => error.hint(),
            Self::Unasked(error) => error.hint(),
        }
    }
}

/// How somebody else lets the caller ask.
pub(super) fn allow(refusal: &AwsError, statement: &str) -> String {
    let refused = refusal.refused();
    let whom = refused.and_then(|refused| refused.caller());
    let whom = whom.unwrap_or("whoever you are");
    format!("let an administrator add this to a policy of {whom}: {statement}")
}

fn of_account(account: Option<&str>) -> impl fmt::Display {
    account.map_or_else(String::new, |account| format!(" of account {account}"))
}

fn no_such_cluster(name: &str, region: &str, others: &[String]) -> String {
    if others.is_empty() {
        return format!(
            "name another region with --region, or other credentials with --profile or --role-arn; see which clusters there are: aws eks list-clusters --region {region}"
        );
    }
    let mut near: Vec<&String> = others.iter().collect();
    near.sort_by_key(|other| {
        strsim::damerau_levenshtein(&other.to_lowercase(), &name.to_lowercase())
    });
    let more = match near.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let near: Vec<&str> = near.into_iter().take(SHOWN).map(String::as_str).collect();
    format!(
        "there are {}{more}; name another region with --region, or other credentials with --profile or --role-arn",
        near.join(", ")
    )
}

/// The statement that would allow an action on a cluster, on one line to paste.
pub(super) fn statement(action: &str, region: &str, name: &str, error: &AwsError) -> String {
    // A denial names the very resource that it is about.
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
