//! Where credentials come from: the sources that botocore knows, in its order.

mod environment;
mod error;
mod source;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::Surroundings;
use crate::token::Credentials;

pub use error::SourceError;
pub use source::{Pin, Source};

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
    /// The name of each role's session.
    pub session_name: Option<String>,
    /// What the trust policy of the last role asks for.
    pub external_id: Option<String>,
    /// How long the session of the last role lives.
    pub duration: Option<Duration>,
    /// Neither read sessions from the user's cache folder nor keep them there.
    pub no_cache: bool,
}

/// Credentials, and how they were had.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What requests are signed with.
    pub credentials: Credentials,
    /// Which source served.
    pub source: Source,
    /// The roles that were then assumed, in order.
    pub roles: Vec<String>,
    /// The sources that come before it, and why they did not serve.
    pub tried: Vec<Attempt>,
}

/// A source that did not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub source: Source,
    /// Why: what would have to be there.
    pub why: String,
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
    pub failed: Option<(Source, SourceError)>,
}

impl NoCredentials {
    /// What to do next.
    pub fn hint(&self) -> String {
        match &self.failed {
            Some((_, error)) => error.hint(),
            None => "say which credentials to use: --profile NAME, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment".into(),
        }
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
            Some((source, _)) => write!(f, "{source}"),
            None => f.write_str("no AWS credentials were found"),
        }
    }
}

impl std::error::Error for NoCredentials {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (_, error) = self.failed.as_ref()?;
        Some(error)
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
    _now: Timestamp,
) -> Result<Resolved, NoCredentials> {
    let mut tried = Vec::new();
    if wish.profile.is_none() && wish.source.is_none_or(|pin| pin == Pin::Environment) {
        match environment::credentials(surroundings) {
            Ok(Some(credentials)) => {
                return Ok(Resolved {
                    credentials,
                    source: Source::Environment,
                    roles: Vec::new(),
                    tried,
                });
            }
            Ok(None) => tried.push(Attempt {
                source: Source::Environment,
                why: "AWS_ACCESS_KEY_ID is not set".to_owned(),
            }),
            Err(error) => {
                return Err(NoCredentials {
                    tried,
                    failed: Some((Source::Environment, error)),
                });
            }
        }
    }
    Err(NoCredentials {
        tried,
        failed: None,
    })
}
