//! Creates tokens: presigns a request to STS.

use std::fmt::Write;

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{Credentials, StsHost};
use crate::facts::limits::{TOKEN_BYTES, TOKEN_MINUTES};

/// The prefix of all tokens, with their version.
pub(super) const PREFIX: &str = "k8s-aws-v1.";

/// The header with the cluster's name. It is signed, but not part of the token: the authenticator adds the name of its
/// own cluster, so that the signature of a token for another cluster is invalid.
pub const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// The time before the expiration from which a token or a signing credential is treated as expired.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// The value of other signers. The authenticator ignores it and applies [`TOKEN_MINUTES`].
const EXPIRES: &str = "60";

/// The digest of an empty body.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A bearer token for the API server of an EKS cluster.
#[derive(Clone, Debug)]
pub struct Token {
    /// `k8s-aws-v1.` and the presigned URL.
    pub text: SecretString,
    /// When clients should request a new token: a minute before the authenticator refuses this one, or before the
    /// signing credentials expire.
    pub expiration: Timestamp,
}

impl Token {
    /// Presigns a `sts:GetCallerIdentity` that a cluster's authenticator sends to `host`. The URL is identical to that
    /// of aws-iam-authenticator, byte for byte:
    /// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/token/token.go>.
    ///
    /// `cluster` is the cluster's name, or the id in its authenticator's configuration. Spaces in it are normalized as
    /// in headers.
    pub fn sign(credentials: &Credentials, host: &StsHost, cluster: &str, now: Timestamp) -> Self {
        let url = presigned(credentials, host, cluster, now);
        let mut text = String::with_capacity(PREFIX.len() + url.len().div_ceil(3) * 4);
        text.push_str(PREFIX);
        BASE64_URL_SAFE_NO_PAD.encode_string(url.as_bytes(), &mut text);
        let own = now + SignedDuration::from_mins(TOKEN_MINUTES) - EXPIRY_MARGIN;
        Self {
            text: text.into(),
            expiration: match credentials.expiration {
                Some(end) => own.min(end.saturating_sub(EXPIRY_MARGIN).unwrap_or(end)),
                None => own,
            },
        }
    }

    /// Returns whether the authenticator refuses the token because of its length. Only a long session token causes this.
    pub fn is_too_long(&self) -> bool {
        self.text.expose_secret().len() > TOKEN_BYTES
    }
}

fn presigned(
    credentials: &Credentials,
    host: &StsHost,
    cluster: &str,
    now: Timestamp,
) -> Zeroizing<String> {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let StsHost { name, region } = host;
    let scope = format!("{}/{region}/sts/aws4_request", &time[..8]);
    let secret = credentials.secret_access_key.expose_secret();
    let session = credentials
        .session_token
        .as_ref()
        .map(ExposeSecret::expose_secret);

    // Enough for all bytes escaped: reallocation would leave copies of the secrets in memory.
    let length = 512 + 3 * (session.map_or(0, str::len) + credentials.access_key_id.len());
    let mut query = Zeroizing::new(String::with_capacity(length));
    query.push_str("Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256");
    query.push_str("&X-Amz-Credential=");
    escape(&credentials.access_key_id, &mut query);
    escape(&format!("/{scope}"), &mut query);
    let _ = write!(query, "&X-Amz-Date={time}&X-Amz-Expires={EXPIRES}");
    if let Some(session) = session {
        query.push_str("&X-Amz-Security-Token=");
        escape(session, &mut query);
    }
    let _ = write!(query, "&X-Amz-SignedHeaders=host%3B{CLUSTER_HEADER}");

    // The parameters are sorted, so the query is the canonical query.
    let cluster = header_value(cluster);
    let mut digest = Sha256::new();
    for part in [
        "GET\n/\n",
        &query,
        &format!("\nhost:{name}\n{CLUSTER_HEADER}:{cluster}\n\nhost;{CLUSTER_HEADER}\n"),
        EMPTY_SHA256,
    ] {
        digest.update(part);
    }
    let digest = hex::encode(digest.finalize());
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
    let key = generate_signing_key(secret, now.into(), region, "sts");
    let signature = calculate_signature(key, to_sign.as_bytes());

    let mut url = Zeroizing::new(String::with_capacity(query.len() + name.len() + 128));
    let _ = write!(
        url,
        "https://{name}/?{}&X-Amz-Signature={signature}",
        *query
    );
    url
}

/// Normalizes a header value for signing: trims spaces and collapses runs of spaces.
fn header_value(value: &str) -> String {
    let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Appends a string with all bytes escaped except unreserved characters:
/// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
fn escape(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                to.push(char::from(byte));
            }
            _ => {
                let _ = write!(to, "%{byte:02X}");
            }
        }
    }
}
