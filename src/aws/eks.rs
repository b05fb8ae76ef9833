//! EKS: what it says of a cluster.

mod access_entries;
mod error;
mod nodes;
mod untold;

use std::fmt;

use aws_sdk_eks::Client;
use aws_sdk_eks::types::{Cluster, ClusterStatus, LogType};

use super::AwsError;
use super::Surroundings;
use super::client::Reach;
use super::config_file::{ConfigFiles, DEFAULT_PROFILE, profile_name};
use super::credentials::Resolved;
use super::network::Network;
use super::sts;
use crate::facts::auth_mode::AuthenticationMode;
use crate::token::Credentials;

pub use access_entries::Told;
pub use error::EksError;
pub use nodes::Nodes;
pub use untold::Untold;

/// How many names are asked for at once, which is all that EKS gives.
const NAMES: i32 = 100;

/// What EKS says of a cluster that can be signed in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What its tokens are made for: its name, or on an Outpost its id.
    pub token_id: String,
    /// The URL of its API server.
    pub endpoint: String,
    /// The certificates that its API server's is checked with, as base64 of PEM.
    pub certificate_authority_data: String,
    /// What is asked who may enter; `None` when EKS doesn't say it.
    pub authentication_mode: Option<AuthenticationMode>,
    /// Its Kubernetes version, such as `1.36`.
    pub version: Option<String>,
    /// EKS's own version of it, such as `eks.7`.
    pub platform_version: Option<String>,
    /// Whether the log of its authenticator is kept.
    pub logs_authenticator: bool,
}

impl ClusterFacts {
    /// The region that it is in.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account that it belongs to.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    fn part(&self, at: usize) -> &str {
        self.arn.split(':').nth(at).unwrap_or_default()
    }
}

/// EKS in one region, asked with one set of credentials. Blocks; must not be used from within an async runtime.
pub struct Eks {
    client: Client,
    network: Network,
    region: String,
    credentials: Credentials,
    profile: String,
    surroundings: Surroundings,
    files: ConfigFiles,
}

impl Eks {
    /// Prepares to ask; `profile` is the caller's, whose settings say how AWS is reached.
    ///
    /// # Errors
    /// When something that is said about the connection can't be used.
    pub fn new(
        resolved: &Resolved,
        profile: Option<&str>,
        surroundings: &Surroundings,
    ) -> Result<Self, EksError> {
        let region = resolved.region.name.clone();
        let files = ConfigFiles::read(surroundings)?;
        let profile = profile_name(profile, surroundings).unwrap_or(DEFAULT_PROFILE);
        let reach = Reach {
            surroundings,
            files: &files,
            profile: files.profile(profile),
        };
        let config = reach.config("EKS", &region, Some(&resolved.credentials))?;
        Ok(Self {
            client: Client::new(&config),
            network: Network::default(),
            region,
            credentials: resolved.credentials.clone(),
            profile: profile.to_owned(),
            surroundings: surroundings.clone(),
            files,
        })
    }

    /// What EKS says of the cluster of this name.
    ///
    /// # Errors
    /// When there is none, when it can't be signed in to yet or any more, and when EKS can't be asked.
    pub fn describe(&mut self, name: &str) -> Result<ClusterFacts, EksError> {
        let request = self.client.describe_cluster().name(name).send();
        let error = match self.network.wait(request)? {
            Ok(answer) => {
                return facts(
                    name,
                    answer.cluster.unwrap_or_else(|| Cluster::builder().build()),
                );
            }
            Err(error) => AwsError::of(error),
        };
        Err(match error.code() {
            Some("ResourceNotFoundException") => EksError::NoSuchCluster {
                name: name.to_owned(),
                region: self.region.clone(),
                account: self.account(),
                others: self.names(),
            },
            _ if error.is_denial() => EksError::Denied {
                statement: error::statement("eks:DescribeCluster", &self.region, name, &error),
                refusal: error,
            },
            _ => EksError::Aws(error),
        })
    }

    /// The names of managed node groups of a cluster, the first hundred of them.
    ///
    /// # Errors
    /// When EKS can't be asked.
    pub fn node_groups(&mut self, name: &str) -> Result<Vec<String>, EksError> {
        let request = self.client.list_nodegroups().cluster_name(name);
        let request = request.max_results(NAMES).send();
        match self.network.wait(request)? {
            Ok(answer) => Ok(answer.nodegroups.unwrap_or_default()),
            Err(error) => Err(EksError::Aws(AwsError::of(error))),
        }
    }

    /// The account whose clusters are seen; only asked for messages.
    fn account(&mut self) -> Option<String> {
        if let Some(account) = &self.credentials.account_id {
            return Some(account.clone());
        }
        let reach = Reach {
            surroundings: &self.surroundings,
            files: &self.files,
            profile: self.files.profile(&self.profile),
        };
        let config = reach.config("STS", &self.region, Some(&self.credentials));
        let answer = self.network.wait(sts::caller_identity(&config.ok()?));
        Some(answer.ok()?.ok()?.account)
    }

    /// The names of the clusters that there are, as far as they may be seen; only asked for messages.
    fn names(&mut self) -> Vec<String> {
        let request = self.client.list_clusters().max_results(NAMES).send();
        match self.network.wait(request) {
            Ok(Ok(answer)) => answer.clusters.unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Debug for Eks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eks")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

fn facts(name: &str, cluster: Cluster) -> Result<ClusterFacts, EksError> {
    let status = cluster.status.unwrap_or(ClusterStatus::Active);
    if !matches!(status, ClusterStatus::Active | ClusterStatus::Updating) {
        return Err(EksError::NotReady {
            name: name.to_owned(),
            status: status.as_str().to_owned(),
        });
    }
    let missing = |field| EksError::Incomplete {
        name: name.to_owned(),
        field,
    };
    let certificate = cluster.certificate_authority.and_then(|ca| ca.data);
    let mode = cluster
        .access_config
        .and_then(|access| access.authentication_mode);
    let logging = cluster.logging.and_then(|logging| logging.cluster_logging);
    let mut kept = logging
        .iter()
        .flatten()
        .filter(|log| log.enabled == Some(true));
    let logs_authenticator = kept.any(|log| log.types().contains(&LogType::Authenticator));
    // As the aws CLI has it: a local cluster is known to its authenticator by its id.
    let is_local = cluster
        .outpost_config
        .is_some_and(|outpost| outpost.etcd_instance_type.is_none());
    let id = cluster.id.filter(|_| is_local);
    Ok(ClusterFacts {
        token_id: id.unwrap_or_else(|| name.to_owned()),
        name: name.to_owned(),
        arn: cluster.arn.ok_or_else(|| missing("arn"))?,
        endpoint: cluster.endpoint.ok_or_else(|| missing("endpoint"))?,
        certificate_authority_data: certificate.ok_or_else(|| missing("certificateAuthority"))?,
        authentication_mode: mode.and_then(|mode| AuthenticationMode::named(mode.as_str())),
        version: cluster.version,
        platform_version: cluster.platform_version,
        logs_authenticator,
    })
}
