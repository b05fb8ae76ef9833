//! Web identity tokens in files.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::session_cache::Key;

/// The claims of a web identity token. They are not verified here; STS verifies them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`.
    pub audience: Vec<String>,
    /// `exp`.
    pub ends: Option<Timestamp>,
}

impl fmt::Display for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "iss {}, sub {}, aud {}",
            self.issuer,
            self.subject,
            self.audience.join(", ")
        )
    }
}

/// The token in a file.
#[derive(Debug)]
pub(super) struct WebToken {
    pub(super) text: SecretString,
    claims: Option<Map<String, Value>>,
}

/// Claims that become part of the session.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
const IN_SESSION: [&str; 2] = [
    "https://aws.amazon.com/tags",
    "https://aws.amazon.com/source_identity",
];

impl WebToken {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = Zeroizing::new(fs::read_to_string(path)?);
        let token = text.trim();
        Ok(Self {
            text: token.into(),
            claims: claims(token),
        })
    }

    /// Returns the claims, if the token is a JWT.
    pub(super) fn claims(&self) -> Option<Claims> {
        let claims = self.claims.as_ref()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let audience = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => {
                let texts = several.iter().filter_map(Value::as_str);
                texts.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let ends = claims.get("exp").and_then(Value::as_i64);
        Some(Claims {
            issuer: text("iss")?.to_owned(),
            subject: text("sub")?.to_owned(),
            audience,
            ends: ends.and_then(|seconds| Timestamp::from_second(seconds).ok()),
        })
    }

    /// Adds the token's identity claims (issuer, subject, audience, session tags, source identity) to the cache key of a role's session,
    /// so that a renewed token finds the same session. If the token is not a JWT, the whole token becomes part of the key.
    pub(super) fn key(&self, key: Key) -> Key {
        let (Some(claims), Some(known)) = (&self.claims, self.claims()) else {
            return key.with("opaque").with(self.text.expose_secret());
        };
        let audience = claims.get("aud").map(Value::to_string);
        let key = key
            .with("claims")
            .with(&known.issuer)
            .with(&known.subject)
            .with_option(audience.as_deref());
        IN_SESSION.iter().fold(key, |key, name| {
            let claim = claims.get(*name).map(Value::to_string);
            key.with_option(claim.as_deref())
        })
    }
}

fn claims(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (_, payload) = (parts.next()?, parts.next()?);
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .ok()?;
    serde_json::from_slice(&json).ok()
}
