//! Resolves credentials and assumes the requested roles.

use std::fmt;

use jiff::Timestamp;

use super::context::Context;
use super::error::SourceError;
use super::options::CredentialOptions;
use super::provider_chain::{self, Failed};
use super::source::{Attempt, Source};
use crate::AwsEnvironment;
use crate::config_file::Mistake;
use crate::imds::ImdsError;
use crate::region::Region;
use crate::session_cache::Cache;
use crate::session_name::{is_session_name, session_name};
use crate::sts::Role;
use awsauth_core::assume_role_advice::Advice;
use awsauth_core::token::{Credentials, Endpoint};

/// Credentials and their origin.
#[derive(Clone, Debug)]
pub struct ResolvedCredentials {
    pub credentials: Credentials,
    /// The source of the credentials.
    pub source: Source,
    /// The ARNs of the assumed roles in order. The credentials are those of the last one.
    pub roles: Vec<String>,
    /// Whether they come from the cache.
    pub kept: bool,
    /// The region for requests, with the setting that named it.
    pub region: Region,
    /// The requested variant of the region's endpoints.
    pub endpoint: Endpoint,
    /// The earlier sources, and why each has no credentials.
    pub tried: Vec<Attempt>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// Why no credentials were resolved.
#[derive(Debug)]
pub struct NoCredentials {
    /// The sources without credentials, in the order in which they were tried.
    pub tried: Vec<Attempt>,
    /// The source whose error ended the search; `None` if every source was tried.
    pub failed: Option<(Source, Box<SourceError>)>,
    /// Why instance metadata has no credentials, if every source was tried.
    pub instance: Option<Box<ImdsError>>,
    /// The mistake in the config or credentials file that causes the profile to have no credentials.
    pub mistake: Option<Mistake>,
}

impl NoCredentials {
    /// What to do next.
    pub fn hint(&self) -> String {
        if let Some(Mistake { found, fix }) = &self.mistake {
            return format!("{found}: {fix}");
        }
        match &self.failed {
            Some((_, error)) => error.hint(),
            None => {
                let hint = self
                    .tried
                    .iter()
                    .rev()
                    .find_map(|attempt| attempt.hint.clone());
                hint.unwrap_or_else(|| "choose credentials: --profile NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment".into())
            }
        }
    }

    /// Explains a denied AssumeRole, if that is the cause.
    pub fn advice(&self) -> Option<Advice> {
        self.failed.as_ref()?.1.advice()
    }

    /// Whether the user's input is at fault, as opposed to AWS or the network.
    pub fn is_input(&self) -> bool {
        self.failed
            .as_ref()
            .is_some_and(|(_, error)| error.is_input())
    }
}

impl fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failed {
            Some((_, error)) if error.is_of_no_source() => error.fmt(f),
            Some((source, _)) => source.fmt(f),
            None => f.write_str("no AWS credentials were found"),
        }
    }
}

impl std::error::Error for NoCredentials {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.failed.as_ref()? {
            (_, error) if error.is_of_no_source() => error.source(),
            (_, error) => Some(error.as_ref()),
        }
    }
}

/// Resolves credentials from the first source that has any, as botocore does, and assumes the requested roles. Blocks; must
/// not be called from within an async runtime. It starts a runtime of its own only if it needs the network. Keys in the
/// environment or in the files of a profile, and cached sessions, need none.
///
/// # Errors
/// If no source has credentials, or if a source is invalid. As in botocore, no later source is tried in that case.
pub fn resolve(
    options: &CredentialOptions,
    environment: &AwsEnvironment,
    now: Timestamp,
) -> Result<ResolvedCredentials, NoCredentials> {
    let context = Context::new(options, environment, now);
    let mut tried = Vec::new();
    let mistake_in = |profile: &str| context.files().ok()?.mistake_in(profile);
    match resolved(&context, &mut tried) {
        Ok(Some(resolved)) => Ok(ResolvedCredentials { tried, ..resolved }),
        Ok(None) => Err(NoCredentials {
            tried,
            failed: None,
            instance: context.instance.take().map(Box::new),
            mistake: mistake_in(context.profile()),
        }),
        Err((source, error)) => Err(NoCredentials {
            tried,
            mistake: error.profile().and_then(mistake_in),
            failed: Some((source, Box::new(error))),
            instance: None,
        }),
    }
}

fn resolved(
    context: &Context,
    tried: &mut Vec<Attempt>,
) -> Result<Option<ResolvedCredentials>, Failed> {
    let Some(mut session) = provider_chain::find(context, tried)? else {
        return Ok(None);
    };
    let source = session.source;
    let failed = |error| (source, error);
    let cache = Cache::of(context.environment, !context.options.no_cache);
    match requested_roles(context).map_err(failed)? {
        roles if roles.is_empty() => session.adjust(context),
        mut roles => {
            if context.options.forward_session_name
                && let Some(name) = session.name(context, &cache).map_err(failed)?
            {
                for role in &mut roles {
                    role.session_name.clone_from(&name);
                }
            }
            session.roles.extend(roles);
        }
    }
    let (credentials, kept) = session.credentials(context, &cache).map_err(failed)?;
    if let Some(when) = credentials.expiration.filter(|end| *end <= context.now) {
        return Err(failed(SourceError::Expired { when }));
    }
    let settings = context.settings().map_err(failed)?;
    Ok(Some(ResolvedCredentials {
        credentials,
        source,
        roles: session.role_arns(),
        kept,
        region: context.region().map_err(failed)?.clone(),
        endpoint: Endpoint {
            fips: settings.fips() == Some(true),
            dual_stack: settings.dual_stack() == Some(true),
        },
        tried: Vec::new(),
        notes: context.notes.take(),
    }))
}

/// Returns the roles of `--role-arn`. External id and duration apply to the last one.
fn requested_roles(context: &Context) -> Result<Vec<Role>, SourceError> {
    let options = context.options;
    let name = match &options.session_name {
        Some(name) if !is_session_name(name) => {
            return Err(SourceError::SessionName { name: name.clone() });
        }
        Some(name) => name.clone(),
        None => session_name(context.environment),
    };
    let last = options.roles.len().saturating_sub(1);
    let roles = options.roles.iter().enumerate();
    Ok(roles
        .map(|(index, arn)| Role {
            arn: arn.clone(),
            session_name: name.clone(),
            external_id: options.external_id.clone().filter(|_| index == last),
            duration: options.seconds().filter(|_| index == last),
        })
        .collect())
}
