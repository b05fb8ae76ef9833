use secrecy::ExposeSecret;

use super::SourceError;
use super::search::Search;
use super::source::Source;
use super::sso::{Sso, SsoToken};
use super::token_file::WebToken;
use super::web_identity::WebIdentity;
use crate::aws::cache::{Cache, Key};
use crate::aws::client::signed_with;
use crate::aws::sts::{self, Role};
use crate::token::Credentials;

/// What a session begins with.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// Credentials as they are.
    Keys(Credentials),
    WebIdentity(WebIdentity),
    Sso(Sso),
}

/// A session that can be had, and has not been asked for yet.
#[derive(Clone, Debug)]
pub(super) struct Session {
    origin: Origin,
    pub(super) source: Source,
    /// Roles to assume from there, in order.
    pub(super) roles: Vec<Role>,
}

/// The way to a session: who begins it, by now known, and the roles.
struct Way<'a> {
    search: &'a Search<'a>,
    cache: &'a Cache,
    start: Start<'a>,
    roles: &'a [Role],
    key: Key,
}

enum Start<'a> {
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

    /// Takes what the caller wishes of a session to be meant for the role that the profile or the web identity names; notes what is
    /// meant for nothing.
    pub(super) fn adjust(&mut self, search: &Search) {
        let wish = search.wish;
        let (role, takes_external_id) = match (self.roles.last_mut(), &mut self.origin) {
            (Some(role), _) => (Some(role), true),
            (None, Origin::WebIdentity(identity)) => (Some(identity.role_mut()), false),
            (None, Origin::Keys(_) | Origin::Sso(_)) => (None, false),
        };
        let mut idle = Vec::new();
        if wish.external_id.is_some() && !takes_external_id {
            idle.push("--external-id");
        }
        match role {
            Some(role) => {
                let external_id = wish.external_id.clone().filter(|_| takes_external_id);
                role.external_id = external_id.or_else(|| role.external_id.take());
                role.duration = wish.seconds().or(role.duration);
                if let Some(name) = &wish.session_name {
                    role.session_name.clone_from(name);
                }
            }
            None => {
                idle.extend(wish.duration.map(|_| "--duration"));
                idle.extend(wish.session_name.as_ref().map(|_| "--role-session-name"));
            }
        }
        if !idle.is_empty() {
            let change = if idle.len() == 1 { "changes" } else { "change" };
            let why = match self.origin {
                Origin::WebIdentity(_) => "a web identity token assumes its role without one",
                _ => "no role is assumed; name one with --role-arn",
            };
            let note = format!("{} {change} nothing: {why}", idle.join(" and "));
            search.notes.borrow_mut().push(note);
        }
    }

    /// The ARNs of the roles on its way, the last being the one that signs.
    pub(super) fn role_arns(&self) -> Vec<String> {
        let first = match &self.origin {
            Origin::WebIdentity(identity) => Some(identity.role()),
            _ => None,
        };
        let rest = self.roles.iter().map(|role| role.arn.as_str());
        first.into_iter().chain(rest).map(str::to_owned).collect()
    }

    /// The credentials of the session, from the cache or from AWS, and whether they were kept.
    pub(super) fn credentials(
        &self,
        search: &Search,
        cache: &Cache,
    ) -> Result<(Credentials, bool), SourceError> {
        if let (Origin::Keys(keys), []) = (&self.origin, self.roles.as_slice()) {
            return Ok((keys.clone(), false));
        }
        let (start, key) = match &self.origin {
            Origin::Keys(keys) => (Start::Keys(keys), of_keys(keys)),
            Origin::WebIdentity(identity) => {
                let token = identity.token()?;
                let key = identity.key(&token);
                (Start::WebIdentity(identity, token), key)
            }
            Origin::Sso(sso) => {
                let token = sso.token(search)?;
                let key = sso.key(&token);
                (Start::Sso(sso, token), key)
            }
        };
        let way = Way {
            search,
            cache,
            start,
            roles: &self.roles,
            key: key.with(&search.place()?),
        };
        way.session(self.roles.len())
    }
}

impl Way<'_> {
    /// The session after so many roles. Each on the way is kept too: others may begin alike.
    fn session(&self, roles: usize) -> Result<(Credentials, bool), SourceError> {
        if let (Start::Keys(keys), 0) = (&self.start, roles) {
            return Ok(((*keys).clone(), false));
        }
        let key = self.roles[..roles].iter().fold(self.key.clone(), of_role);
        self.cache
            .session(&key, self.search.now, || self.fetch(roles))
    }

    fn fetch(&self, roles: usize) -> Result<Credentials, SourceError> {
        let Some(role) = roles.checked_sub(1).map(|last| &self.roles[last]) else {
            return match &self.start {
                Start::Keys(keys) => Ok((*keys).clone()),
                Start::WebIdentity(identity, token) => identity.fetch(self.search, token),
                Start::Sso(sso, token) => sso.fetch(self.search, token),
            };
        };
        let (credentials, _) = self.session(roles - 1)?;
        let config = signed_with(self.search.sts()?, &credentials);
        let assumed = self.search.wait(sts::assume_role(&config, role))?;
        assumed.map_err(|source| SourceError::AssumeRole {
            role: role.arn.clone(),
            session_name: role.session_name.clone(),
            external_id: role.external_id.clone(),
            source,
        })
    }
}

/// The sessions that these credentials may have. To name one takes the secrets.
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
