//! The caller, according to EKS and IAM.

use crate::backend::Backend;
use crate::terminal::{Failure, Kind};
use awsauth_aws::ActionError;
use awsauth_aws::credentials::Caller;
use awsauth_aws::eks::EksCluster;
use awsauth_core::access_entries::migrate::ClusterFacts;
use awsauth_core::access_entries::rescue::{RescueInput, RescuePlan, plan};
use awsauth_core::arn::{Kind as Of, Parts, canonical, is_same_principal};
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::groups::MASTERS;
use awsauth_core::facts::iam_inventory::{Existence, Principal};
use awsauth_core::permission_set;
use awsauth_core::shell_quote::quoted;

/// The role or user that the caller signs in with.
pub(super) struct CallerPrincipal {
    /// Its ARN, with its IAM path.
    pub(super) arn: String,
    /// What IAM returned; `None` if IAM was not asked or returned nothing.
    iam: Option<Principal>,
    /// Its access entry; `None` if it has none.
    pub(super) entry: Option<AccessEntry>,
}

impl CallerPrincipal {
    /// Finds the caller's principal in IAM, and its access entry. `chosen` is the ARN that the user gives.
    ///
    /// # Errors
    /// If the IAM path of the caller's role is unknown, or EKS does not return the access entry.
    pub(super) fn find(
        caller: &Caller,
        chosen: Option<&str>,
        backend: &Backend,
    ) -> Result<Self, Failure> {
        let eks = eks(backend)?;
        let canonical = canonical(&caller.arn).map_err(|error| {
            Failure::usage("cannot give the caller an access entry").because(&error)
        })?;
        if let Some(chosen) = chosen.filter(|chosen| !is_same_principal(&canonical.arn, chosen)) {
            return Err(Failure::usage(format!(
                "--principal {chosen} is not the caller, {}",
                canonical.arn
            ))
            .hint("give the ARN of your own role with its IAM path, or leave out --principal"));
        }
        let is_of_cluster = caller.account == eks.facts.account();
        let found = match canonical.kind {
            Of::Root | Of::FederatedUser => Ok(None),
            _ if !is_of_cluster => Ok(None),
            Of::User => user(eks, &canonical.arn),
            Of::Role | Of::AssumedRole => role(eks, &canonical.arn),
        };
        let needs_path = matches!(canonical.kind, Of::Role | Of::AssumedRole);
        let (arn, iam) = match (chosen, found) {
            (_, Ok(Some(principal))) => (principal.arn.clone(), Some(principal)),
            (Some(chosen), _) => (chosen.to_owned(), None),
            (None, Ok(None)) if needs_path && is_of_cluster => {
                return Err(Failure::new(
                    Kind::Refused,
                    format!("the role {} does not exist in IAM", canonical.arn),
                )
                .hint("run as another IAM role or user: --profile PROFILE, or --role-arn ARN"));
            }
            (None, Ok(None)) if needs_path => {
                let why = "it belongs to another account than the cluster";
                return Err(unknown_path(&canonical.arn, why));
            }
            (None, Err(error)) if needs_path => {
                let failure = unknown_path(&canonical.arn, &error.to_string());
                return Err(failure.hint(error.hint()));
            }
            // STS reports the path of a user.
            (None, _) => (canonical.arn, None),
        };
        let mut principal = Self {
            arn,
            iam,
            entry: None,
        };
        principal.read_entry(backend)?;
        Ok(principal)
    }

    /// Reads the access entry again.
    pub(super) fn read_entry(&mut self, backend: &Backend) -> Result<(), Failure> {
        let eks = eks(backend)?;
        self.entry = match eks.facts.authentication_mode {
            None | Some(AuthenticationMode::ConfigMap) => None,
            Some(_) => {
                let name = &eks.facts.name;
                let described = eks.with_client(|eks| eks.access_entry(name, &self.arn));
                described.map_err(|error| {
                    let what = format!("cannot read the access entry of {}", self.arn);
                    let failure = Failure::new(Kind::Unreachable, what).because(&error);
                    failure.hint(error.hint())
                })?
            }
        };
        Ok(())
    }

    /// Plans the rescue.
    ///
    /// # Errors
    /// If the caller cannot have the access entry.
    pub(super) fn plan(&self, backend: &Backend) -> Result<RescuePlan, Failure> {
        let facts = &eks(backend)?.facts;
        plan(&RescueInput {
            principal_arn: &self.arn,
            principal: self.iam.as_ref(),
            cluster: ClusterFacts {
                arn: &facts.arn,
                version: facts.version.as_deref(),
                platform_version: facts.platform_version.as_deref(),
            },
            mode: facts.authentication_mode,
            own_entry: self.entry.as_ref(),
        })
        .map_err(|obstacle| {
            Failure::new(Kind::Refused, format!("nothing was changed: {obstacle}"))
                .hint(obstacle.remedy(&quoted(&facts.name)))
        })
    }
}

/// Returns the cluster as EKS describes it.
pub(super) fn eks(backend: &Backend) -> Result<&EksCluster, Failure> {
    backend.eks().ok_or_else(no_cluster_name)
}

pub(super) fn no_cluster_name() -> Failure {
    Failure::usage("only EKS can give access to a cluster that no administrator can sign in to")
        .hint("name the cluster: --cluster-name NAME")
}

/// Returns the command that maps the caller as an administrator in aws-auth. Until the caller's access entry is deleted, it
/// overrides the mapping, which the guards would otherwise refuse.
pub(super) fn map_command(caller: &Caller) -> Option<String> {
    let canonical = canonical(&caller.arn).ok()?;
    let kind = match canonical.kind {
        Of::Role | Of::AssumedRole => "role",
        Of::User => "user",
        Of::Root | Of::FederatedUser => return None,
    };
    Some(format!(
        "awsauth map {kind} {} --username admin --group {MASTERS} --backend aws-auth --allow-ignored",
        quoted(&canonical.arn)
    ))
}

fn role(eks: &EksCluster, arn: &str) -> Result<Option<Principal>, ActionError> {
    let name = Parts::of(arn).map_or("", |parts| parts.name);
    eks.iam()?.role(name)
}

fn user(eks: &EksCluster, arn: &str) -> Result<Option<Principal>, ActionError> {
    let name = Parts::of(arn).map_or("", |parts| parts.name);
    let users = eks.iam()?.users(&[name.to_owned()].into())?;
    Ok(match users.named(name) {
        Existence::Exists(user) => Some(user.clone()),
        Existence::Absent | Existence::Unknown => None,
    })
}

/// EKS refuses the ARN of a role without its IAM path, which STS does not report.
fn unknown_path(arn: &str, why: &str) -> Failure {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let failure = Failure::new(
        Kind::Unreachable,
        format!("cannot find out the IAM path of {arn}: {why}"),
    );
    let prefix = arn.strip_suffix(name).unwrap_or(arn);
    // The IAM path of these roles contains a region.
    match permission_set::after_prefix(name).is_some() {
        true => failure.hint(format!(
            "give the ARN with the region of IAM Identity Center: --principal {prefix}aws-reserved/sso.amazonaws.com/REGION/{name}; without REGION/ if it is us-east-1"
        )),
        false => failure.hint(format!("give the ARN with the path: --principal {prefix}PATH/{name}")),
    }
}
