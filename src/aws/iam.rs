//! IAM: which roles, users and instance profiles an account has.

mod error;
mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;
use aws_sdk_iam::config::timeout::TimeoutConfig;

use super::client::Reach;
use super::config_file::{ConfigFiles, DEFAULT_PROFILE, profile_name};
use super::credentials::Resolved;
use super::network::Network;
use super::{AwsError, Surroundings};
use crate::facts::principals::{Listed, Principal};
use crate::trust::Decision;

pub use error::IamError;

/// How long a connection may take to open. Many networks that lead to EKS do not lead to IAM, and what it tells is never more than of
/// use.
const CONNECTING: Duration = Duration::from_secs(2);
/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(6);

/// IAM of the account of one set of credentials. Blocks; must not be used from within an async runtime.
pub struct Iam {
    client: Client,
    network: Network,
}

/// What IAM tells, or why not.
pub type Told<T> = Result<T, IamError>;

impl Iam {
    /// Prepares to ask; `profile` is the caller's, whose settings say how AWS is reached.
    ///
    /// # Errors
    /// When something that is said about the connection can't be used.
    pub fn new(
        resolved: &Resolved,
        profile: Option<&str>,
        surroundings: &Surroundings,
    ) -> Result<Self, IamError> {
        let files = ConfigFiles::read(surroundings)?;
        let profile = profile_name(profile, surroundings).unwrap_or(DEFAULT_PROFILE);
        let reach = Reach {
            surroundings,
            files: &files,
            profile: files.profile(profile),
        };
        let region = &resolved.region.name;
        let config = reach.config("IAM", region, Some(&resolved.credentials))?;
        let patience = TimeoutConfig::builder()
            .connect_timeout(CONNECTING)
            .operation_timeout(PATIENCE)
            .build();
        let config = Builder::from(&config).timeout_config(patience).build();
        Ok(Self {
            client: Client::from_conf(config),
            network: Network::default(),
        })
    }

    /// All roles with their trust policies; those of these names where the caller may not list them.
    ///
    /// # Errors
    /// When not even those are told.
    pub fn roles(&mut self, names: &BTreeSet<String>) -> Told<Listed> {
        self.network.wait(look::roles(&self.client, names))?
    }

    /// All users; those of these names where the caller may not list them.
    ///
    /// # Errors
    /// As [`roles`](Self::roles).
    pub fn users(&mut self, names: &BTreeSet<String>) -> Told<Listed> {
        self.network.wait(look::users(&self.client, names))?
    }

    /// The ARN of the role in each of these instance profiles; `None` where there is none.
    ///
    /// # Errors
    /// When IAM does not tell of one of them.
    pub fn instance_profiles(
        &mut self,
        names: &BTreeSet<String>,
    ) -> Told<BTreeMap<String, Option<String>>> {
        self.network
            .wait(look::instance_profiles(&self.client, names))?
    }

    /// The role of this name with its trust policy; `None` when there is none.
    ///
    /// # Errors
    /// When IAM does not tell.
    pub fn role(&mut self, name: &str) -> Told<Option<Principal>> {
        self.network
            .wait(look::role(&self.client, name.to_owned()))?
    }

    /// What the own policies, and what the permissions boundary of a user or role say of an action on a resource.
    ///
    /// # Errors
    /// When IAM does not tell.
    pub fn simulate(
        &mut self,
        principal: &str,
        action: &str,
        resource: &str,
    ) -> Told<(Decision, Decision)> {
        let asked = look::simulate(&self.client, principal, action, resource);
        self.network.wait(asked)?
    }
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iam").finish_non_exhaustive()
    }
}

fn unanswered(action: &'static str) -> impl Fn(AwsError) -> IamError {
    move |source| IamError::Aws { action, source }
}
