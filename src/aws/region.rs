//! Which region is meant.

use std::fmt;

use thiserror::Error;

use super::Surroundings;
use super::config_file::{ConfigError, ConfigFiles};
use crate::facts::partitions::is_region_label;

/// The region when nobody says one, as aws-iam-authenticator has it.
const FALLBACK: &str = "us-east-1";

/// A region, and who said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Such as `eu-west-1`, or `aws-global` for the one STS of all regions.
    pub name: String,
    /// Who said it.
    pub from: RegionSource,
}

impl Region {
    /// Whether nobody said it.
    pub fn is_nobodys(&self) -> bool {
        self.from == RegionSource::Fallback
    }

    /// What is meant when nobody says anything.
    pub(super) fn fallback() -> Self {
        Self {
            name: FALLBACK.to_owned(),
            from: RegionSource::Fallback,
        }
    }
}

/// Who said which region is meant, in the order in which they are heard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegionSource {
    /// The caller, with `--region`.
    Caller,
    /// This variable.
    Variable(&'static str),
    /// This profile.
    Profile(String),
    /// Instance metadata.
    Instance,
    /// Nobody.
    Fallback,
}

impl fmt::Display for RegionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("--region"),
            Self::Variable(name) => f.write_str(name),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Instance => f.write_str("instance metadata"),
            Self::Fallback => f.write_str("nobody"),
        }
    }
}

/// Why there is no region.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegionError {
    /// The files can't be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It can't be part of a host name.
    #[error(
        "{name:?}, which {from} says, is no region: its name consists of letters, digits and hyphens, as us-east-1 does"
    )]
    NotARegion {
        /// What is said.
        name: String,
        /// Who says it.
        from: RegionSource,
    },
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

/// The region that somebody says: the caller, `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile. The aws CLI 2 and the Go SDK, and so
/// aws-iam-authenticator, read both variables in this order; botocore and the aws CLI 1 read only the second.
///
/// `files` is asked only when none of the others says anything.
///
/// # Errors
/// When the files can't be read, or what is said is not the name of a region.
pub(super) fn configured<'f, E: From<RegionError>>(
    wished: Option<&str>,
    profile: &str,
    surroundings: &Surroundings,
    files: impl FnOnce() -> Result<&'f ConfigFiles, E>,
) -> Result<Option<Region>, E> {
    let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let of_variable = || {
        variables.into_iter().find_map(|name| {
            let value = surroundings.get(name)?;
            Some((value.to_owned(), RegionSource::Variable(name)))
        })
    };
    let said = wished
        .map(|name| (name.to_owned(), RegionSource::Caller))
        .or_else(of_variable);
    let said = match said {
        Some(said) => Some(said),
        None => {
            let section = files()?.profile(profile);
            let region = section.and_then(|section| section.text("region"));
            let region = region.filter(|region| !region.is_empty());
            region.map(|region| (region.to_owned(), RegionSource::Profile(profile.to_owned())))
        }
    };
    let Some((name, from)) = said else {
        return Ok(None);
    };
    if is_region_label(&name) {
        return Ok(Some(Region { name, from }));
    }
    Err(RegionError::NotARegion { name, from }.into())
}
