//! The token files of `aws sso login`.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use crate::AwsEnvironment;
use crate::credential_process_json::secret;
use crate::timestamp::instant;

/// How long before its expiration a token is renewed, as in botocore.
const RENEWAL_TIME: SignedDuration = SignedDuration::from_mins(15);

/// The access token of a signed-in user.
#[derive(Debug)]
pub(in crate::credentials) struct Token {
    pub(super) access_token: SecretString,
    pub(super) expires: Timestamp,
    refresh_token: Option<SecretString>,
    client: Option<Registration>,
    path: PathBuf,
}

/// The client registration of the AWS CLI, which a renewal requires.
#[derive(Clone, Debug)]
struct Registration {
    id: String,
    secret: SecretString,
    expires: Timestamp,
    expires_as_written: String,
}

/// The parameters of a renewal.
pub(super) struct Renewal<'a> {
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a SecretString,
    pub(super) refresh_token: &'a SecretString,
}

impl Token {
    /// Reads the file that `aws sso login` wrote for a session or a start URL.
    pub(super) fn read(environment: &AwsEnvironment, name: &str) -> Result<Self, String> {
        let home = environment.home().ok_or("there is no home folder")?;
        let digest = hex::encode(Sha1::digest(name));
        let path = home.join(format!(".aws/sso/cache/{digest}.json"));
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("{} is not there", path.display()),
            _ => format!("{}: {error}", path.display()),
        })?;
        let bytes = Zeroizing::new(bytes);
        let invalid = || format!("{} holds no token", path.display());
        let file: Read = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        let client = match (
            file.client_id,
            file.client_secret,
            file.registration_expires_at,
        ) {
            (Some(id), Some(secret), Some(expires_as_written)) => Some(Registration {
                id,
                secret,
                expires: instant(&expires_as_written).ok_or_else(invalid)?,
                expires_as_written,
            }),
            _ => None,
        };
        Ok(Self {
            access_token: file.access_token.ok_or_else(invalid)?,
            expires: instant(&file.expires_at).ok_or_else(invalid)?,
            refresh_token: file.refresh_token,
            client,
            path,
        })
    }

    /// Whether the token should be renewed.
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        self.expires.duration_since(now) < RENEWAL_TIME
    }

    /// Returns the parameters of a renewal, if the registration is valid.
    pub(super) fn renewal(&self, now: Timestamp) -> Option<Renewal<'_>> {
        let client = self.client.as_ref().filter(|client| client.expires > now)?;
        Some(Renewal {
            client_id: &client.id,
            client_secret: &client.secret,
            refresh_token: self.refresh_token.as_ref()?,
        })
    }

    /// Returns the renewed token.
    pub(super) fn renewed(
        &self,
        now: Timestamp,
        access_token: SecretString,
        refresh_token: Option<SecretString>,
        seconds: i32,
    ) -> Self {
        let life = SignedDuration::from_secs(i64::from(seconds));
        Self {
            access_token,
            expires: now.checked_add(life).unwrap_or(now),
            refresh_token: refresh_token.or_else(|| self.refresh_token.clone()),
            client: self.client.clone(),
            path: self.path.clone(),
        }
    }

    /// Stores the token in the file of the AWS CLI, which uses it from then on.
    pub(super) fn write(&self, start_url: &str, region: &str) -> io::Result<()> {
        let refresh_token = self.refresh_token.as_ref();
        let client = self.client.as_ref();
        let file = Written {
            start_url,
            region,
            access_token: self.access_token.expose_secret(),
            expires_at: &self.expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            client_id: client.map(|client| client.id.as_str()),
            client_secret: client.map(|client| client.secret.expose_secret()),
            registration_expires_at: client.map(|client| client.expires_as_written.as_str()),
            refresh_token: refresh_token.map(ExposeSecret::expose_secret),
        };
        // Large enough not to grow: reallocation would leave copies of the secrets in memory.
        let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
        serde_json::to_writer(&mut *text, &file)?;
        let folder = self.path.parent().ok_or(io::ErrorKind::NotFound)?;
        let mut next = tempfile::Builder::new()
            .prefix(".awsauth-")
            .tempfile_in(folder)?;
        next.write_all(&text)?;
        next.persist(&self.path)?;
        Ok(())
    }
}

/// The file format of the AWS CLI and botocore.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<SecretString>,
    expires_at: String,
    client_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    client_secret: Option<SecretString>,
    registration_expires_at: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    refresh_token: Option<SecretString>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    start_url: &'a str,
    region: &'a str,
    access_token: &'a str,
    expires_at: &'a str,
    client_id: Option<&'a str>,
    client_secret: Option<&'a str>,
    registration_expires_at: Option<&'a str>,
    refresh_token: Option<&'a str>,
}
