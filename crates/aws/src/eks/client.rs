//! A client for EKS in one region.

use std::fmt;

use aws_sdk_eks::Client;
use aws_sdk_eks::types::{Cluster, ClusterStatus, LogType, VpcConfigResponse};

use super::read_error::{self, EksError};
use super::read_pages::read_pages;
use crate::blocking_runtime::BlockingRuntime;
use crate::client_config::ProfileSettings;
use crate::credentials::ResolvedCredentials;
use crate::{AwsEnvironment, AwsError, sts};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::partitions::Partition;
use awsauth_core::token::Credentials;
use serde_json::json;

/// The page size of lists, which is EKS's maximum.
const PAGE_SIZE: i32 = 100;

/// A cluster as DescribeCluster returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDescription {
    pub name: String,
    pub arn: String,
    /// The cluster id in tokens: the cluster's name, or its id on an Outpost.
    pub token_id: String,
    /// The URL of the API server.
    pub endpoint: String,
    /// The CA certificates of the API server, as base64 of PEM.
    pub certificate_authority_data: String,
    /// `None` if EKS does not report it.
    pub authentication_mode: Option<AuthenticationMode>,
    /// The Kubernetes version, such as `1.36`.
    pub version: Option<String>,
    /// The platform version, such as `eks.7`.
    pub platform_version: Option<String>,
    /// Whether the authenticator log is enabled.
    pub logs_authenticator: bool,
    /// Whether the endpoint can be reached from outside the VPC; `None` if EKS does not report it.
    pub is_public: Option<bool>,
    /// The networks outside the VPC that can reach a public endpoint.
    pub public_networks: Vec<String>,
    /// Whether an update of the cluster is in progress.
    pub is_updating: bool,
    /// The role of Auto Mode's own node pools; `None` without them.
    pub auto_mode_role: Option<String>,
}

impl ClusterDescription {
    /// Returns the region of the cluster.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// Returns the account that owns the cluster.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    fn part(&self, at: usize) -> &str {
        self.arn.split(':').nth(at).unwrap_or_default()
    }
}

/// A client for EKS in one region. Blocks; must not be used from within an async runtime.
pub struct Eks {
    pub(super) client: Client,
    pub(super) runtime: BlockingRuntime,
    pub(super) region: String,
    pub(super) credentials: Credentials,
    profile: ProfileSettings,
}

impl Eks {
    /// Creates a client. Uses the endpoint, proxy and CA settings of `profile`, else of the profile in the environment, else of
    /// the default profile.
    ///
    /// # Errors
    /// If a connection setting is invalid.
    pub fn new(
        resolved: &ResolvedCredentials,
        profile: Option<&str>,
        environment: &AwsEnvironment,
    ) -> Result<Self, EksError> {
        let region = resolved.region.name.clone();
        let profile = ProfileSettings::read(profile, environment)?;
        let config = profile
            .client()
            .config("EKS", &region, Some(&resolved.credentials))?;
        Ok(Self {
            client: Client::new(&config),
            runtime: BlockingRuntime::default(),
            region,
            credentials: resolved.credentials.clone(),
            profile,
        })
    }

    /// Describes the cluster with this name.
    ///
    /// # Errors
    /// If it does not exist, is not ready, or EKS denies the request or does not answer.
    pub fn describe(&mut self, name: &str) -> Result<ClusterDescription, EksError> {
        let request = self.client.describe_cluster().name(name).send();
        let error = match self.runtime.block_on(request)? {
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
                statement: read_error::statement("eks:DescribeCluster", &self.region, name, &error),
                refusal: error,
            },
            _ => EksError::Aws(error),
        })
    }

    /// Returns the names of all clusters in the region.
    ///
    /// # Errors
    /// If EKS does not answer.
    pub fn clusters(&mut self) -> Result<Vec<String>, EksError> {
        let pages = self.client.list_clusters().into_paginator().send();
        let names = read_pages(pages, |page| page.clusters);
        self.runtime.block_on(names)?.map_err(EksError::Aws)
    }

    /// Returns the names of the managed node groups of a cluster, at most a hundred.
    ///
    /// # Errors
    /// If EKS denies the request or does not answer.
    pub fn node_groups(&mut self, name: &str) -> Result<Vec<String>, EksError> {
        let request = self.client.list_nodegroups().cluster_name(name);
        let request = request.max_results(PAGE_SIZE).send();
        match self.runtime.block_on(request)? {
            Ok(answer) => Ok(answer.nodegroups.unwrap_or_default()),
            Err(error) => Err(EksError::Aws(AwsError::of(error))),
        }
    }

    /// Returns the error for a failed request. If the request was denied, the error contains the policy statement that
    /// allows these actions on the cluster and on its resources of these kinds.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html>
    pub(super) fn refused(
        &self,
        cluster: &str,
        error: AwsError,
        actions: &[&str],
        kinds: &[&str],
    ) -> EksError {
        if !error.is_denial() {
            return EksError::Aws(error);
        }
        let partition = Partition::of_region(&self.region).id;
        let account = self.credentials.account_id.as_deref().unwrap_or("*");
        let resource = |kind: &str| format!("arn:{partition}:eks:{}:{account}:{kind}", self.region);
        let below = kinds
            .iter()
            .map(|kind| resource(&format!("{kind}/{cluster}/*")));
        let resources: Vec<String> = std::iter::once(resource(&format!("cluster/{cluster}")))
            .chain(below)
            .collect();
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resources});
        EksError::Denied {
            refusal: error,
            statement: statement.to_string(),
        }
    }

    /// Returns the account of the credentials, for messages.
    fn account(&mut self) -> Option<String> {
        if let Some(account) = &self.credentials.account_id {
            return Some(account.clone());
        }
        let config = self
            .profile
            .client()
            .config("STS", &self.region, Some(&self.credentials));
        let answer = self.runtime.block_on(sts::caller_identity(&config.ok()?));
        Some(answer.ok()?.ok()?.account)
    }

    /// Returns the names of the clusters in the region, for messages; empty if they cannot be listed.
    fn names(&mut self) -> Vec<String> {
        let request = self.client.list_clusters().max_results(PAGE_SIZE).send();
        match self.runtime.block_on(request) {
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

fn facts(name: &str, cluster: Cluster) -> Result<ClusterDescription, EksError> {
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
    // The authenticator of a local cluster on an Outpost expects the cluster's id. The AWS CLI makes the same
    // distinction.
    let is_local = cluster
        .outpost_config
        .is_some_and(|outpost| outpost.etcd_instance_type.is_none());
    let id = cluster.id.filter(|_| is_local);
    let network = cluster.resources_vpc_config;
    let networks = network.as_ref().map(VpcConfigResponse::public_access_cidrs);
    Ok(ClusterDescription {
        is_updating: status == ClusterStatus::Updating,
        is_public: network
            .as_ref()
            .map(|network| network.endpoint_public_access),
        public_networks: networks.unwrap_or_default().to_vec(),
        token_id: id.unwrap_or_else(|| name.to_owned()),
        name: name.to_owned(),
        arn: cluster.arn.ok_or_else(|| missing("arn"))?,
        endpoint: cluster.endpoint.ok_or_else(|| missing("endpoint"))?,
        certificate_authority_data: certificate.ok_or_else(|| missing("certificateAuthority"))?,
        authentication_mode: mode.and_then(|mode| AuthenticationMode::named(mode.as_str())),
        version: cluster.version,
        platform_version: cluster.platform_version,
        logs_authenticator,
        auto_mode_role: cluster
            .compute_config
            .filter(|compute| compute.enabled == Some(true))
            .and_then(|compute| compute.node_role_arn),
    })
}
