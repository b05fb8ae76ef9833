//! Roles that are assumed with a token of an OpenID Connect provider.

use std::path::PathBuf;

use super::SourceError;
use super::search::Search;
use super::token_file::WebToken;
use crate::aws::AwsError;
use crate::aws::cache::Key;
use crate::aws::config_file::Section;
use crate::aws::session_name;
use crate::aws::sts::{self, Role};
use crate::token::Credentials;

/// A role, and the file of the token that assumes it.
#[derive(Clone, Debug)]
pub(super) struct WebIdentity {
    role: Role,
    path: PathBuf,
}

impl WebIdentity {
    /// What the environment, where it counts, and then the profile say of it, if there is a token file.
    pub(super) fn of(
        search: &Search,
        section: Option<&Section>,
        with_environment: bool,
    ) -> Result<Option<Self>, SourceError> {
        let get = |variable: &str, option: &str| {
            let variable = with_environment.then(|| search.surroundings.get(variable));
            let option = || section?.text(option).filter(|text| !text.is_empty());
            variable.flatten().or_else(option)
        };
        let Some(path) = get("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file") else {
            return Ok(None);
        };
        let name = get("AWS_ROLE_SESSION_NAME", "role_session_name").map(str::to_owned);
        Ok(Some(Self {
            role: Role {
                arn: get("AWS_ROLE_ARN", "role_arn")
                    .ok_or(SourceError::NoRole)?
                    .to_owned(),
                session_name: name.unwrap_or_else(|| session_name(search.surroundings)),
                external_id: None,
                duration: None,
            },
            path: PathBuf::from(path),
        }))
    }

    pub(super) fn role(&self) -> &str {
        &self.role.arn
    }

    pub(super) fn role_mut(&mut self) -> &mut Role {
        &mut self.role
    }

    pub(super) fn token(&self) -> Result<WebToken, SourceError> {
        WebToken::read(&self.path)
    }

    /// The session of this role that belongs to whom the token speaks of.
    pub(super) fn key(&self, token: &WebToken) -> Key {
        let duration = self.role.duration.map(|seconds| seconds.to_string());
        token
            .key(Key::of("web identity"))
            .with(&self.role.arn)
            .with(&self.role.session_name)
            .with_option(duration.as_deref())
    }

    /// Asks STS for the session.
    pub(super) fn fetch(
        &self,
        search: &Search,
        token: &WebToken,
    ) -> Result<Credentials, SourceError> {
        let config = search.sts()?;
        let request = sts::assume_role_with_web_identity(config, &self.role, &token.text);
        let refused = |source: AwsError| SourceError::WebIdentity {
            role: self.role.arn.clone(),
            path: self.path.clone(),
            claims: token.claims().map(Box::new),
            source,
        };
        search.wait(request)?.map_err(refused)
    }
}
