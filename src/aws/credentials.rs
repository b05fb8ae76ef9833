//! Where credentials come from: the sources that botocore knows, in its order.

mod caller;
mod chain;
mod error;
mod hint;
mod keys;
mod legacy;
mod login;
mod machine;
mod process;
mod role;
mod search;
mod session;
mod source;
mod sso;
mod token_file;
mod web_identity;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::Surroundings;
use crate::token::{Credentials, Endpoint};
use crate::trust::Advice;

pub use caller::{Caller, CallerError, caller};
use chain::Failed;
pub use error::SourceError;
pub use hint::Known;
use search::Search;
pub use source::{Pin, Source};
pub use sso::SsoError;
pub use token_file::Claims;

use super::cache::Cache;
use super::imds::ImdsError;
use super::region::Region;
use super::session_name::{is_session_name, session_name};
use super::sts::Role;

/// What the caller wants of credentials. The default is what botocore does when nothing is said.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The only source that may serve.
    pub source: Option<Pin>,
    /// The profile of the config and credentials files. As with botocore, one that is named here keeps the environment's credentials
    /// from serving; one that `AWS_PROFILE` names does not.
    pub profile: Option<String>,
    /// The region whose STS is asked; see [`region`](super::region).
    pub region: Option<String>,
    /// Roles to assume, each with the credentials of the one before.
    pub roles: Vec<String>,
    /// The name of each role's session. Without [`Self::roles`], of the session of the role that the profile or the web identity names.
    pub session_name: Option<String>,
    /// What the trust policy of the last role asks for; without [`Self::roles`], of the profile's.
    pub external_id: Option<String>,
    /// How long the session of the last role lives; without [`Self::roles`], of the profile's or the web identity's.
    pub duration: Option<Duration>,
    /// Neither read sessions from the user's cache folder nor keep them there.
    pub no_cache: bool,
}

impl Wish {
    /// The duration as STS takes it.
    fn seconds(&self) -> Option<i32> {
        let seconds = self.duration?.as_secs();
        i32::try_from(seconds).ok()
    }
}

/// Credentials, and how they were had.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What requests are signed with.
    pub credentials: Credentials,
    /// Which source served.
    pub source: Source,
    /// The ARNs of the roles that were assumed, in order; the credentials are those of the last.
    pub roles: Vec<String>,
    /// Whether they were kept from an earlier run.
    pub kept: bool,
    /// The region whose services are to be asked, and who says so.
    pub region: Region,
    /// Which of the region's endpoints are wanted.
    pub endpoint: Endpoint,
    /// The sources that come before it, and why they did not serve.
    pub tried: Vec<Attempt>,
    /// What the user should know although it worked.
    pub notes: Vec<String>,
}

/// A source that did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub source: Source,
    /// Why: what would have to be there.
    pub why: String,
    /// What to do about it, where it is worth saying.
    pub hint: Option<String>,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}

/// Why there are no credentials.
#[derive(Debug)]
pub struct NoCredentials {
    /// The sources that have nothing, in the order in which they were asked, and why.
    pub tried: Vec<Attempt>,
    /// The source that should have served and could not, which ends the search; `None` when no source has anything.
    pub failed: Option<(Source, Box<SourceError>)>,
    /// Why instance metadata, which comes last, has nothing, when no source has anything.
    pub instance: Option<Box<ImdsError>>,
}

impl NoCredentials {
    /// What to do next.
    pub fn hint(&self) -> String {
        match &self.failed {
            Some((_, error)) => error.hint(),
            None => {
                let said = self
                    .tried
                    .iter()
                    .rev()
                    .find_map(|attempt| attempt.hint.clone());
                said.unwrap_or_else(|| "say which credentials to use: --profile NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment".into())
            }
        }
    }

    /// What decides over the role that could not be assumed, if AWS refused one.
    pub fn advice(&self) -> Option<Advice> {
        self.failed.as_ref()?.1.advice()
    }

    /// Whether something that the user wrote is at fault, rather than AWS or the network.
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

/// Credentials from the first source that has any, as botocore would find them, with the wished roles assumed after that. Blocks;
/// must not be called from within an async runtime. Starts one of its own only when the network is needed: credentials of the
/// environment and of the profiles' files cost nothing, and neither does a kept session.
///
/// # Errors
/// When no source has credentials, or when the first that should have them can't be used: like botocore, no later source stands in.
pub fn resolve(
    wish: &Wish,
    surroundings: &Surroundings,
    now: Timestamp,
) -> Result<Resolved, NoCredentials> {
    let search = Search::new(wish, surroundings, now);
    let mut tried = Vec::new();
    match resolved(&search, &mut tried) {
        Ok(Some(resolved)) => Ok(Resolved { tried, ..resolved }),
        Ok(None) => Err(NoCredentials {
            tried,
            failed: None,
            instance: search.instance.take().map(Box::new),
        }),
        Err((source, error)) => Err(NoCredentials {
            tried,
            failed: Some((source, Box::new(error))),
            instance: None,
        }),
    }
}

fn resolved(search: &Search, tried: &mut Vec<Attempt>) -> Result<Option<Resolved>, Failed> {
    let Some(mut session) = chain::find(search, tried)? else {
        return Ok(None);
    };
    let source = session.source;
    let failed = |error| (source, error);
    match wished_roles(search).map_err(failed)? {
        roles if roles.is_empty() => session.adjust(search),
        roles => session.roles.extend(roles),
    }
    let cache = Cache::of(search.surroundings, !search.wish.no_cache);
    let (credentials, kept) = session.credentials(search, &cache).map_err(failed)?;
    if let Some(when) = credentials.expiration.filter(|end| *end <= search.now) {
        return Err(failed(SourceError::Expired { when }));
    }
    let reach = search.reach().map_err(failed)?;
    Ok(Some(Resolved {
        credentials,
        source,
        roles: session.role_arns(),
        kept,
        region: search.region().map_err(failed)?.clone(),
        endpoint: Endpoint {
            fips: reach.fips() == Some(true),
            dual_stack: reach.dual_stack() == Some(true),
        },
        tried: Vec::new(),
        notes: search.notes.take(),
    }))
}

/// The roles of the caller's chain. External id and duration are for the last: those before it only lead there.
fn wished_roles(search: &Search) -> Result<Vec<Role>, SourceError> {
    let wish = search.wish;
    let name = match &wish.session_name {
        Some(name) if !is_session_name(name) => {
            return Err(SourceError::SessionName { name: name.clone() });
        }
        Some(name) => name.clone(),
        None => session_name(search.surroundings),
    };
    let last = wish.roles.len().saturating_sub(1);
    let roles = wish.roles.iter().enumerate();
    Ok(roles
        .map(|(index, arn)| Role {
            arn: arn.clone(),
            session_name: name.clone(),
            external_id: wish.external_id.clone().filter(|_| index == last),
            duration: wish.seconds().filter(|_| index == last),
        })
        .collect())
}
