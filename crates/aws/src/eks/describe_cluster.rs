//! Describes a cluster with the user's credentials or roles.

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use super::client::{ClusterDescription, Eks};
use super::read_error::{EksError, Unavailable};
use crate::cloudwatch_logs::Logs;
use crate::credentials::{self, CredentialOptions, NoCredentials, ResolvedCredentials};
use crate::ec2_and_auto_scaling::Ec2;
use crate::iam::Iam;
use crate::{ActionError, AwsEnvironment};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::facts::authentication_mode::AuthenticationMode;

/// The interval between DescribeCluster calls while a cluster is being created, which takes minutes.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// A described cluster, with the client that described it.
#[derive(Debug)]
pub struct EksCluster {
    pub facts: ClusterDescription,
    eks: RefCell<Eks>,
    resolved: ResolvedCredentials,
    uses_first_choice: bool,
    profile: Option<String>,
    environment: AwsEnvironment,
}

/// The credentials to try first for describing a cluster, if the options name roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialOrder {
    /// The user's own credentials, as in the AWS CLI, where roles are only for tokens. If the request is denied, tries the roles.
    OwnFirst,
    /// The roles, because the cluster belongs to their account. If the request is denied, tries the user's own credentials.
    RolesFirst,
    /// Only the roles.
    RolesOnly,
}

impl CredentialOrder {
    /// Whether to try the other credentials. If the roles find no such cluster, a cluster of that name in another account is a
    /// different one.
    fn may_try_other(self, error: &EksError) -> bool {
        match error {
            _ if self == Self::RolesOnly => false,
            EksError::Denied { .. } => true,
            EksError::NoSuchCluster { .. } => self == Self::OwnFirst,
            _ => false,
        }
    }
}

/// Observes [`describe`], which may take minutes. The methods do nothing by default.
pub trait Progress {
    /// A guard that is dropped after the request, such as a spinner.
    type Guard;

    /// Called when credentials are resolved.
    fn resolved(&mut self, _resolved: &ResolvedCredentials) {}

    /// Called before each request.
    fn requesting(&mut self) -> Self::Guard;

    /// Whether to wait and retry after a temporary error, such as a cluster that is being created.
    fn should_wait(&mut self, _error: &EksError) -> bool {
        false
    }

    /// Called if the roles are denied and the user's own credentials described the cluster.
    fn used_own(&mut self, _cluster: &EksCluster) {}
}

/// Observes nothing and does not wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silent;

impl Progress for Silent {
    type Guard = ();

    fn requesting(&mut self) {}
}

/// Why a cluster could not be described.
#[derive(Debug, Error)]
pub enum DescribeError {
    #[error(transparent)]
    Credentials(Box<NoCredentials>),
    #[error("no region is configured")]
    NoRegion,
    #[error(transparent)]
    Eks(#[from] EksError),
}

/// Describes the cluster of this name. Blocks; must not be called from within an async runtime.
///
/// # Errors
/// If there are no credentials or no region, the cluster does not exist, or EKS denies the request.
pub fn describe<P: Progress>(
    name: &str,
    order: CredentialOrder,
    options: &CredentialOptions,
    environment: &AwsEnvironment,
    progress: &mut P,
) -> Result<EksCluster, DescribeError> {
    let own = match options.roles.is_empty() {
        true => options.clone(),
        false => CredentialOptions {
            roles: Vec::new(),
            session_name: None,
            external_id: None,
            duration: None,
            ..options.clone()
        },
    };
    let [first, second] = match order {
        CredentialOrder::OwnFirst => [&own, options],
        CredentialOrder::RolesFirst | CredentialOrder::RolesOnly => [options, &own],
    };
    let denied = match describe_with(name, first, environment, progress) {
        Err(DescribeError::Eks(error))
            if order.may_try_other(&error) && !options.roles.is_empty() =>
        {
            error
        }
        answer => return answer,
    };
    match (describe_with(name, second, environment, progress), order) {
        (Ok(cluster), _) => {
            let cluster = EksCluster {
                uses_first_choice: false,
                ..cluster
            };
            if order == CredentialOrder::RolesFirst {
                progress.used_own(&cluster);
            }
            Ok(cluster)
        }
        (Err(_), CredentialOrder::RolesFirst | CredentialOrder::RolesOnly) => Err(denied.into()),
        (error, CredentialOrder::OwnFirst) => error,
    }
}

fn describe_with<P: Progress>(
    name: &str,
    options: &CredentialOptions,
    environment: &AwsEnvironment,
    progress: &mut P,
) -> Result<EksCluster, DescribeError> {
    let resolved = credentials::resolve(options, environment, Timestamp::now())
        .map_err(|error| DescribeError::Credentials(Box::new(error)))?;
    progress.resolved(&resolved);
    if resolved.region.is_fallback() {
        return Err(DescribeError::NoRegion);
    }
    let mut eks = Eks::new(&resolved, options.profile.as_deref(), environment)?;
    loop {
        let guard = progress.requesting();
        let answer = eks.describe(name);
        drop(guard);
        match answer {
            Err(error) if error.is_transient() && progress.should_wait(&error) => {
                thread::sleep(RETRY_INTERVAL);
            }
            answer => {
                return Ok(EksCluster {
                    facts: answer?,
                    eks: RefCell::new(eks),
                    resolved,
                    uses_first_choice: true,
                    profile: options.profile.clone(),
                    environment: environment.clone(),
                });
            }
        }
    }
}

impl EksCluster {
    /// Calls `use_client` with the client. Blocks, as [`Eks`] does.
    pub fn with_client<T>(&self, use_client: impl FnOnce(&mut Eks) -> T) -> T {
        use_client(&mut self.eks.borrow_mut())
    }

    /// Replaces the description with the current one.
    ///
    /// # Errors
    /// If EKS does not return it.
    pub fn describe_again(&mut self) -> Result<(), EksError> {
        self.facts = self.eks.get_mut().describe(&self.facts.name)?;
        Ok(())
    }

    /// Creates an IAM client with the same credentials, which belong to the cluster's account.
    ///
    /// # Errors
    /// If a connection setting is invalid.
    pub fn iam(&self) -> Result<Iam, ActionError> {
        Iam::new(&self.resolved, self.profile.as_deref(), &self.environment)
    }

    /// Creates an EC2 and Auto Scaling client in the cluster's region with the same credentials.
    ///
    /// # Errors
    /// If a connection setting is invalid.
    pub fn ec2(&self) -> Result<Ec2, ActionError> {
        Ec2::new(&self.resolved, self.profile.as_deref(), &self.environment)
    }

    /// Creates a CloudWatch Logs client in the cluster's region with the same credentials.
    ///
    /// # Errors
    /// If a connection setting is invalid.
    pub fn logs(&self) -> Result<Logs, ActionError> {
        Logs::new(&self.resolved, self.profile.as_deref(), &self.environment)
    }

    /// Returns the credentials that described the cluster.
    pub fn credentials(&self) -> &ResolvedCredentials {
        &self.resolved
    }

    /// Returns the credentials that described the cluster, if they are those that [`CredentialOrder`] tries first.
    pub fn preferred_credentials(&self) -> Option<&ResolvedCredentials> {
        self.uses_first_choice.then_some(&self.resolved)
    }

    /// Lists the access entries, describes those whose principal is `wanted`, and returns what EKS did not answer.
    /// Returns `None` if the authentication mode is unknown or does not read access entries.
    pub fn access_entries(
        &self,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Option<(AccessEntries, Vec<Unavailable>)> {
        let mode = self.facts.authentication_mode?;
        if mode == AuthenticationMode::ConfigMap {
            return None;
        }
        let answer = self.with_client(|eks| eks.access_entries(&self.facts.name, wanted));
        let (entries, unavailable) = match answer {
            Ok(answer) => (Some(answer.entries), answer.unavailable),
            Err(unavailable) => (None, vec![unavailable]),
        };
        Some((AccessEntries::new(mode, entries), unavailable))
    }
}
