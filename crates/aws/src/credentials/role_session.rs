//! Sessions: the first credentials, and the roles that are assumed with them.

use secrecy::ExposeSecret;

use super::context::Context;
use super::error::SourceError;
use super::source::Source;
use super::sso::{Sso, SsoToken};
use super::web_identity::WebIdentity;
use super::web_identity_token::WebToken;
use crate::client_config::signed_with;
use crate::session_cache::{Cache, Key};
use crate::sts::{self, Role};
use awsauth_core::token::Credentials;

/// The first credentials of a session.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Keys(Credentials),
    WebIdentity(WebIdentity),
    Sso(Sso),
}

/// A session that can be requested.
#[derive(Clone, Debug)]
pub(super) struct Session {
    origin: Origin,
    pub(super) source: Source,
    /// Roles to assume in order, with the credentials of the origin.
    pub(super) roles: Vec<Role>,
}

/// The requests that lead to a session, with the secrets of its origin.
struct AssumeRoleChain<'a> {
    context: &'a Context<'a>,
    cache: &'a Cache,
    start: StartingPoint<'a>,
    roles: &'a [Role],
    key: Key,
}

enum StartingPoint<'a> {
    Keys(&'a Credentials),
    WebIdentity(&'a WebIdentity, WebToken),
    Sso(&'a Sso, SsoToken),
}

impl Session {
    pub(super) fn new(origin: Origin, source: Source) -> Self {
        Self {
            origin,
            source,
            roles: Vec::new(),
        }
    }

    /// Applies the user's options to the role that the profile or the web identity names, and notes options without effect.
    pub(super) fn adjust(&mut self, context: &Context) {
        let options = context.options;
        let (role, takes_external_id) = match (self.roles.last_mut(), &mut self.origin) {
            (Some(role), _) => (Some(role), true),
            (None, Origin::WebIdentity(identity)) => (Some(identity.role_mut()), false),
            (None, Origin::Keys(_) | Origin::Sso(_)) => (None, false),
        };
        let mut unused = Vec::new();
        if options.external_id.is_some() && !takes_external_id {
            unused.push("--external-id");
        }
        match role {
            Some(role) => {
                let external_id = options.external_id.clone().filter(|_| takes_external_id);
                role.external_id = external_id.or_else(|| role.external_id.take());
                role.duration = options.seconds().or(role.duration);
                if let Some(name) = &options.session_name {
                    role.session_name.clone_from(name);
                }
            }
            None => {
                unused.extend(options.duration.map(|_| "--duration"));
                unused.extend(options.session_name.as_ref().map(|_| "--role-session-name"));
            }
        }
        if options.forward_session_name {
            let note = "--forward-session-name changes nothing: no role is named with --role-arn";
            context.notes.borrow_mut().push(note.to_owned());
        }
        if !unused.is_empty() {
            let change = if unused.len() == 1 {
                "changes"
            } else {
                "change"
            };
            let why = match self.origin {
                Origin::WebIdentity(_) => "AssumeRoleWithWebIdentity takes none",
                _ => "no role is assumed; choose one with --role-arn",
            };
            let note = format!("{} {change} nothing: {why}", unused.join(" and "));
            context.notes.borrow_mut().push(note);
        }
    }

    /// Returns the ARNs of the assumed roles. The credentials are those of the last one.
    pub(super) fn role_arns(&self) -> Vec<String> {
        let first = match &self.origin {
            Origin::WebIdentity(identity) => Some(identity.role()),
            _ => None,
        };
        let rest = self.roles.iter().map(|role| role.arn.as_str());
        first.into_iter().chain(rest).map(str::to_owned).collect()
    }

    /// Asks STS for the name of the session; `None` if the credentials belong to a user.
    pub(super) fn name(
        &self,
        context: &Context,
        cache: &Cache,
    ) -> Result<Option<String>, SourceError> {
        let (credentials, _) = self.credentials(context, cache)?;
        let config = signed_with(context.sts()?, &credentials);
        let caller = context.wait(sts::caller_identity(&config))?;
        let caller = caller.map_err(SourceError::Caller)?;
        let name = caller.user_id.split_once(':').map(|(_, name)| name);
        Ok(name.map(str::to_owned))
    }

    /// Returns the credentials of the session, and whether they come from the cache.
    pub(super) fn credentials(
        &self,
        context: &Context,
        cache: &Cache,
    ) -> Result<(Credentials, bool), SourceError> {
        if let (Origin::Keys(keys), []) = (&self.origin, self.roles.as_slice()) {
            return Ok((keys.clone(), false));
        }
        let (start, key) = match &self.origin {
            Origin::Keys(keys) => (StartingPoint::Keys(keys), of_keys(keys)),
            Origin::WebIdentity(identity) => {
                let token = identity.token()?;
                let key = identity.key(&token);
                (StartingPoint::WebIdentity(identity, token), key)
            }
            Origin::Sso(sso) => {
                let token = sso.token(context)?;
                let key = sso.key(&token);
                (StartingPoint::Sso(sso, token), key)
            }
        };
        let chain = AssumeRoleChain {
            context,
            cache,
            start,
            roles: &self.roles,
            key: key.with(&context.place()?),
        };
        chain.session(self.roles.len())
    }
}

impl AssumeRoleChain<'_> {
    /// Returns the session after this many roles. Each intermediate session is cached, because other chains may begin with it.
    fn session(&self, roles: usize) -> Result<(Credentials, bool), SourceError> {
        if let (StartingPoint::Keys(keys), 0) = (&self.start, roles) {
            return Ok(((*keys).clone(), false));
        }
        let key = self.roles[..roles].iter().fold(self.key.clone(), of_role);
        self.cache
            .session(&key, self.context.now, || self.fetch(roles))
    }

    fn fetch(&self, roles: usize) -> Result<Credentials, SourceError> {
        let Some(role) = roles.checked_sub(1).map(|last| &self.roles[last]) else {
            return match &self.start {
                StartingPoint::Keys(keys) => Ok((*keys).clone()),
                StartingPoint::WebIdentity(identity, token) => identity.fetch(self.context, token),
                StartingPoint::Sso(sso, token) => sso.fetch(self.context, token),
            };
        };
        let (credentials, _) = self.session(roles - 1)?;
        let config = signed_with(self.context.sts()?, &credentials);
        let assumed = self.context.wait(sts::assume_role(&config, role))?;
        assumed.map_err(|source| SourceError::AssumeRole {
            role: role.arn.clone(),
            session_name: role.session_name.clone(),
            external_id: role.external_id.clone(),
            source,
        })
    }
}

/// Returns the cache key of sessions that begin with these credentials.
fn of_keys(keys: &Credentials) -> Key {
    let token = keys.session_token.as_ref();
    Key::of("keys")
        .with(&keys.access_key_id)
        .with(keys.secret_access_key.expose_secret())
        .with_option(token.map(ExposeSecret::expose_secret))
}

fn of_role(key: Key, role: &Role) -> Key {
    let duration = role.duration.map(|seconds| seconds.to_string());
    key.with("role")
        .with(&role.arn)
        .with(&role.session_name)
        .with_option(role.external_id.as_deref())
        .with_option(duration.as_deref())
}
