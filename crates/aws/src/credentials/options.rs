//! The options of credential resolution.

use std::time::Duration;

use super::source::SourceChoice;

/// The user's options. The default resolves credentials as botocore does.
#[derive(Clone, Debug, Default)]
pub struct CredentialOptions {
    /// The only source to use.
    pub source: Option<SourceChoice>,
    /// The profile of the config and credentials files. As in botocore, it takes precedence over keys in the environment;
    /// `AWS_PROFILE` does not.
    pub profile: Option<String>,
    /// The region of STS; see [`region`](crate::region).
    pub region: Option<String>,
    /// Roles to assume in order, each with the credentials of the previous one.
    pub roles: Vec<String>,
    /// The session name of each role. Without [`Self::roles`], of the role that the profile or the web identity names.
    pub session_name: Option<String>,
    /// Take the session name of each role from the session that assumes the first one, if that is a session.
    pub forward_session_name: bool,
    /// The external id for the last role; without [`Self::roles`], for the profile's.
    pub external_id: Option<String>,
    /// The session duration of the last role; without [`Self::roles`], of the profile's or the web identity's.
    pub duration: Option<Duration>,
    /// Neither read nor write sessions in the user's cache folder.
    pub no_cache: bool,
}

impl CredentialOptions {
    /// Returns the duration in STS's unit.
    pub(super) fn seconds(&self) -> Option<i32> {
        let seconds = self.duration?.as_secs();
        i32::try_from(seconds).ok()
    }
}
