//! IAM Identity Center: credentials of a permission set, for users who signed in with `aws sso login`.

mod token;

use aws_sdk_sso::Client;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::context::Context;
use super::error::{SourceError, SsoError};
use crate::AwsError;
use crate::config_file::{Section, Value};
use crate::session_cache::Key;
use awsauth_core::token::Credentials;

pub(super) use token::Token as SsoToken;

/// A permission set in an account, and its sign-in portal.
#[derive(Clone, Debug)]
pub(super) struct Sso {
    profile: String,
    /// The `sso-session`; older profiles have none.
    session: Option<String>,
    start_url: String,
    region: String,
    account: String,
    role: String,
}

impl Sso {
    /// Reads the SSO options of a profile, if it has any.
    pub(super) fn of_profile(
        context: &Context,
        profile: &str,
        section: &Section,
    ) -> Result<Option<Self>, SourceError> {
        if !section.has("sso_role_name") && !section.has("sso_account_id") {
            return Ok(None);
        }
        let session = section.text("sso_session");
        let shared = match session {
            None => None,
            Some(name) => {
                let shared = context.files()?.sso_session(name);
                Some(shared.ok_or_else(|| SsoError::NoSession {
                    profile: profile.to_owned(),
                    session: name.to_owned(),
                })?)
            }
        };
        for (option, value) in shared.into_iter().flat_map(Section::options) {
            let Value::Text(value) = value else { continue };
            if section
                .text(option)
                .is_some_and(|own| own != value.as_str())
            {
                return Err(SourceError::Sso(SsoError::Differs {
                    profile: profile.to_owned(),
                    option: option.clone(),
                }));
            }
        }
        let get = |option: &str| {
            let shared = shared.and_then(|shared| shared.text(option));
            section.text(option).or(shared).map(str::to_owned)
        };
        let all = [
            "sso_role_name",
            "sso_account_id",
            "sso_start_url",
            "sso_region",
        ];
        let [Some(role), Some(account), Some(start_url), Some(region)] = all.map(get) else {
            let missing = all.into_iter().filter(|option| get(option).is_none());
            return Err(SourceError::Sso(SsoError::Missing {
                profile: profile.to_owned(),
                missing: missing.collect::<Vec<_>>().join(", "),
            }));
        };
        Ok(Some(Self {
            profile: profile.to_owned(),
            session: session.map(str::to_owned),
            start_url,
            region,
            account,
            role,
        }))
    }

    /// Returns the token that `aws sso login` stored.
    pub(super) fn token(&self, context: &Context) -> Result<SsoToken, SourceError> {
        let name = self.session.as_deref().unwrap_or(&self.start_url);
        let token = SsoToken::read(context.environment, name);
        Ok(token.map_err(|why| SsoError::NotSignedIn {
            profile: self.profile.clone(),
            why,
        })?)
    }

    /// Returns the cache key of the session. Only a client that has the token can find the session.
    pub(super) fn key(&self, token: &SsoToken) -> Key {
        Key::of("sso")
            .with(&self.start_url)
            .with(&self.region)
            .with(&self.account)
            .with(&self.role)
            .with(token.access_token.expose_secret())
    }

    /// Requests credentials. A token near its end is renewed first, if possible.
    pub(super) fn fetch(
        &self,
        context: &Context,
        token: &SsoToken,
    ) -> Result<Credentials, SourceError> {
        let renewed = match self.session {
            Some(_) if token.is_old(context.now) => self.renew(context, token)?,
            _ => None,
        };
        let token = renewed.as_ref().unwrap_or(token);
        if token.expires <= context.now {
            return Err(SourceError::Sso(SsoError::SignedOut {
                profile: self.profile.clone(),
                when: token.expires,
            }));
        }
        let config = context.settings()?.config("SSO", &self.region, None)?;
        let request = Client::new(&config)
            .get_role_credentials()
            .account_id(&self.account)
            .role_name(&self.role)
            .access_token(token.access_token.expose_secret());
        let answer = context.wait(request.send())?;
        let refused = |source| SsoError::Refused {
            profile: self.profile.clone(),
            role: self.role.clone(),
            account: self.account.clone(),
            source,
        };
        let answer = answer.map_err(|error| refused(AwsError::of(error)))?;
        let issued = answer
            .role_credentials
            .filter(|issued| issued.access_key_id.is_some() && issued.secret_access_key.is_some());
        let issued = issued.ok_or_else(|| refused(AwsError::NoCredentials))?;
        Ok(Credentials {
            expiration: Timestamp::from_millisecond(issued.expiration()).ok(),
            access_key_id: issued.access_key_id.unwrap_or_default(),
            secret_access_key: issued.secret_access_key.unwrap_or_default().into(),
            session_token: issued.session_token.map(Into::into),
            account_id: Some(self.account.clone()),
        })
    }

    /// Renews a token and stores it for the AWS CLI; `None` if it cannot be renewed.
    fn renew(&self, context: &Context, token: &SsoToken) -> Result<Option<SsoToken>, SourceError> {
        let Some(request) = token.renewal(context.now) else {
            return Ok(None);
        };
        let config = context.settings()?.config("SSO_OIDC", &self.region, None)?;
        let sent = aws_sdk_ssooidc::Client::new(&config)
            .create_token()
            .grant_type("refresh_token")
            .client_id(request.client_id)
            .client_secret(request.client_secret.expose_secret())
            .refresh_token(request.refresh_token.expose_secret())
            .send();
        let Ok(answer) = context.wait(sent)? else {
            return Ok(None);
        };
        let Some(access_token) = answer.access_token else {
            return Ok(None);
        };
        let renewed = token.renewed(
            context.now,
            access_token.into(),
            answer.refresh_token.map(Into::into),
            answer.expires_in,
        );
        // If the file cannot be written, the new token is used only in this run.
        let _ = renewed.write(&self.start_url, &self.region);
        Ok(Some(renewed))
    }
}
