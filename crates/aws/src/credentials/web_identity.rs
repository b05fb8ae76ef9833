//! Roles that are assumed with a token of an OpenID Connect provider.

use std::path::PathBuf;

use super::context::Context;
use super::error::SourceError;
use super::web_identity_token::WebToken;
use crate::AwsError;
use crate::config_file::Section;
use crate::session_cache::Key;
use crate::session_name::session_name;
use crate::sts::{self, Role};
use awsauth_core::token::Credentials;

/// A role and the file of its token.
#[derive(Clone, Debug)]
pub(super) struct WebIdentity {
    role: Role,
    path: PathBuf,
}

impl WebIdentity {
    /// Reads the settings of the environment, if `with_environment`, and else of the profile; `None` if neither names a
    /// token file.
    pub(super) fn of(
        context: &Context,
        section: Option<&Section>,
        with_environment: bool,
    ) -> Result<Option<Self>, SourceError> {
        let get = |variable: &str, option: &str| {
            let variable = with_environment.then(|| context.environment.get(variable));
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
                session_name: name.unwrap_or_else(|| session_name(context.environment)),
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
        WebToken::read(&self.path).map_err(|source| SourceError::TokenFile {
            path: self.path.clone(),
            source,
        })
    }

    /// Returns the cache key of the session.
    pub(super) fn key(&self, token: &WebToken) -> Key {
        let duration = self.role.duration.map(|seconds| seconds.to_string());
        token
            .key(Key::of("web identity"))
            .with(&self.role.arn)
            .with(&self.role.session_name)
            .with_option(duration.as_deref())
    }

    /// Requests the session from STS.
    pub(super) fn fetch(
        &self,
        context: &Context,
        token: &WebToken,
    ) -> Result<Credentials, SourceError> {
        let config = context.sts()?;
        let request = sts::assume_role_with_web_identity(config, &self.role, &token.text);
        let refused = |source: AwsError| SourceError::WebIdentity {
            role: self.role.arn.clone(),
            path: self.path.clone(),
            claims: token.claims().map(Box::new),
            source,
        };
        context.wait(request)?.map_err(refused)
    }
}
