//! Determines the region.

use std::fmt;

use thiserror::Error;

use super::AwsEnvironment;
use super::config_file::{ConfigError, ConfigFiles};
use awsauth_core::facts::partitions::is_region_label;

/// The region if none is configured, as in aws-iam-authenticator.
const DEFAULT_REGION: &str = "us-east-1";

/// A region, and the setting that named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Such as `eu-west-1`, or `aws-global` for the global endpoint of STS.
    pub name: String,
    pub from: RegionSource,
}

impl Region {
    /// Whether no setting named it.
    pub(crate) fn is_fallback(&self) -> bool {
        self.from == RegionSource::Fallback
    }

    /// The region if none is configured.
    pub(super) fn fallback() -> Self {
        Self {
            name: DEFAULT_REGION.to_owned(),
            from: RegionSource::Fallback,
        }
    }
}

/// The setting that named the region, in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegionSource {
    /// `--region`.
    Caller,
    Variable(&'static str),
    Profile(String),
    Instance,
    /// No setting.
    Fallback,
}

impl fmt::Display for RegionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("--region"),
            Self::Variable(name) => f.write_str(name),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Instance => f.write_str("instance metadata"),
            Self::Fallback => f.write_str("the default"),
        }
    }
}

/// Why the region cannot be determined.
#[derive(Debug, Error)]
pub enum RegionError {
    /// The files cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The name cannot be part of a host name.
    #[error(
        "{name:?} (from {from}) is not a region: a region name has only letters, digits and hyphens, as in us-east-1"
    )]
    NotARegion { name: String, from: RegionSource },
}

impl RegionError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Config(_) => "correct that line".to_owned(),
            Self::NotARegion { .. } => "name a region: --region eu-west-1".to_owned(),
        }
    }
}

/// Returns the configured region: `requested`, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile. AWS CLI 2 and the Go
/// SDK, and therefore aws-iam-authenticator, read both variables in this order; botocore and AWS CLI 1 read only the
/// second.
///
/// Calls `files` only if the others name no region.
///
/// # Errors
/// If the files cannot be read, or the name cannot be the name of a region.
pub(super) fn configured<'f, E: From<RegionError>>(
    requested: Option<&str>,
    profile: &str,
    environment: &AwsEnvironment,
    files: impl FnOnce() -> Result<&'f ConfigFiles, E>,
) -> Result<Option<Region>, E> {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let of_variable = || {
        variables.into_iter().find_map(|name| {
            let value = environment.get(name)?;
            Some((value.to_owned(), RegionSource::Variable(name)))
        })
    };
    let configured = requested
        .map(|name| (name.to_owned(), RegionSource::Caller))
        .or_else(of_variable);
    let configured = match configured {
        Some(configured) => Some(configured),
        None => {
            let section = files()?.profile(profile);
            let region = section.and_then(|section| section.text("region"));
            let region = region.filter(|region| !region.is_empty());
            region.map(|region| (region.to_owned(), RegionSource::Profile(profile.to_owned())))
        }
    };
    let Some((name, from)) = configured else {
        return Ok(None);
    };
    if is_region_label(&name) {
        return Ok(Some(Region { name, from }));
    }
    Err(RegionError::NotARegion { name, from }.into())
}
