//! Checks tokens as the authenticator does:
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/token/token.go>

mod base64;
mod date;
mod error;
mod url;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

pub use error::{FormatError, TokenError};

use super::presign::{CLUSTER_HEADER, PREFIX};
use super::sts_host::{Endpoint, regional};
use crate::arn::{Identity, equal_fold, to_lower};
use crate::facts::limits::{TOKEN_BYTES, TOKEN_MINUTES};
use crate::facts::partitions::{GLOBAL_REGION, GLOBAL_STS, PARTITIONS, Partition, is_region_label};
use goyaml::go_json;
use url::{Url, parameters};

/// The settings of a cluster's authenticator that affect tokens.
#[derive(Clone, Copy, Debug)]
pub struct Authenticator<'a> {
    pub partition: &'a str,
    pub region: &'a str,
}

/// The request that the authenticator sends to STS for a token: a GET with its own cluster's name in [`CLUSTER_HEADER`]
/// and `accept: application/json`, without following redirects.
#[derive(Clone, Debug)]
pub struct PresignedRequest {
    /// Secret: it authenticates anyone who has it.
    pub url: SecretString,
    pub host: String,
    /// The region in the host name, or `global`.
    pub region: String,
    /// The access key that signed it; empty if the token does not contain it.
    pub access_key_id: String,
    pub signed: Timestamp,
}

/// The parameters of a presigned GetCallerIdentity.
const PARAMETERS: [&str; 9] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

impl Authenticator<'_> {
    /// Returns the request that the authenticator sends to STS for a token at this time.
    ///
    /// # Errors
    /// If the authenticator refuses the token without a request, for example because it is too old. Of several invalid
    /// query parameters, this function reports the first one, and the authenticator any of them.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<PresignedRequest, TokenError> {
        if token.len() > TOKEN_BYTES {
            return Err(FormatError::TooLarge.into());
        }
        let encoded = token.strip_prefix(PREFIX).ok_or(FormatError::Prefix)?;
        let decoded = Zeroizing::new(base64::decode(encoded).map_err(FormatError::Base64)?);
        let text = Zeroizing::new(String::from_utf8_lossy(&decoded).into_owned());
        let url = Url::parse(&text)?;
        if url.scheme != "https" {
            return Err(FormatError::Scheme(url.scheme).into());
        }
        let region = self.region_of(&url.host)?.to_owned();
        if url.path != "/" {
            return Err(FormatError::Path.into());
        }
        let (access_key_id, signed) = read_query(url.query, now)?;
        Ok(PresignedRequest {
            url: format!("https://{}/?{}", url.host, url.query).into(),
            region,
            host: url.host,
            access_key_id,
            signed,
        })
    }

    /// Returns the region of an STS host to which this authenticator sends tokens.
    fn region_of<'h>(&self, host: &'h str) -> Result<&'h str, TokenError> {
        let no_region = |reason| {
            let host = host.to_owned();
            Err(FormatError::NoRegion { host, reason }.into())
        };
        if host.is_empty() {
            return no_region("host is empty".to_owned());
        }
        let labels: Vec<&str> = host.split('.').collect();
        let [_, region, _, ..] = labels[..] else {
            return no_region(format!("invalid host format: {host}"));
        };
        if host == GLOBAL_STS {
            return match self.partition == PARTITIONS[0].id {
                true => Ok("global"),
                false => Err(FormatError::Global(self.partition.to_owned()).into()),
            };
        }
        if !is_region_label(region) {
            return Err(FormatError::Region(region.to_owned()).into());
        }
        let partition = Partition::named(self.partition);
        if !is_endpoint(host, region) {
            return match partition.is_some_and(|partition| self.is_its_own(host, partition)) {
                true => Ok(region),
                false => Err(FormatError::Host(host.to_owned()).into()),
            };
        }
        let Some(partition) = partition else {
            return Err(TokenError::Partition(self.partition.to_owned()));
        };
        if !domains(partition).any(|domain| labels[2..].join(".") == domain) {
            let (partition, host) = (self.partition.to_owned(), host.to_owned());
            return Err(FormatError::OtherPartition { partition, host }.into());
        }
        Ok(region)
    }

    /// Returns whether this is a host of STS in the cluster's own region. The SDK may not know the region yet.
    fn is_its_own(&self, host: &str, partition: &Partition) -> bool {
        let own = |domain| format!("sts.{}.{domain}", self.region) == host;
        is_region_label(self.region) && domains(partition).any(own)
    }
}

/// Returns whether this is one of STS's hosts in the region, according to the SDK.
fn is_endpoint(host: &str, region: &str) -> bool {
    let fips_or_not = [false, true].into_iter();
    let mut endpoints =
        fips_or_not.flat_map(|fips| [false, true].map(|dual_stack| Endpoint { fips, dual_stack }));
    endpoints.any(|endpoint| {
        // Without a region, the plain endpoint is the global host.
        let is_global = region == GLOBAL_REGION && endpoint == Endpoint::default();
        !is_global && regional(region, endpoint) == host
    })
}

/// Returns the domains of the hosts to which a partition's authenticators send tokens.
fn domains(partition: &Partition) -> impl Iterator<Item = &'static str> {
    let dual_stack = partition
        .has_dual_stack_tokens
        .then_some(partition.dual_stack_domain);
    std::iter::once(partition.domain).chain(dual_stack)
}

/// Returns the access key id and the time of signing.
fn read_query(query: &str, now: Timestamp) -> Result<(String, Timestamp), FormatError> {
    let parameters = parameters(query)?;
    let mut seen: Vec<(&str, String)> = Vec::new();
    for (name, _) in &parameters {
        let lower = to_lower(name).into_owned();
        match seen.iter().find(|(_, other)| *other == lower) {
            Some((other, _)) if other != name => return Err(FormatError::Duplicate(name.clone())),
            Some(_) => {}
            None => seen.push((name, lower)),
        }
    }
    for (name, lower) in &seen {
        if !PARAMETERS.contains(&lower.as_str()) {
            return Err(FormatError::Parameter((*name).to_owned()));
        }
        if parameters.iter().filter(|(other, _)| other == name).count() > 1 {
            return Err(FormatError::Repeated);
        }
    }
    let get = |name: &str| {
        let found = seen.iter().find(|(_, lower)| lower == name);
        let value = found.and_then(|(name, _)| parameters.iter().find(|(other, _)| other == name));
        value.map_or("", |(_, value)| value.as_str())
    };
    if get("action") != "GetCallerIdentity" {
        return Err(FormatError::Action);
    }
    let mut signed_headers = get("x-amz-signedheaders").split(';');
    if !signed_headers.any(|header| equal_fold(header, CLUSTER_HEADER)) {
        return Err(FormatError::Unsigned);
    }
    match atoi(get("x-amz-expires")) {
        Ok(0..=900) => {}
        Ok(seconds) | Err(seconds) => return Err(FormatError::Expires(seconds)),
    }
    let date = get("x-amz-date");
    if date.is_empty() {
        return Err(FormatError::NoDate);
    }
    let signed = date::parse(date).map_err(|reason| {
        let date = date.to_owned();
        FormatError::Date { date, reason }
    })?;
    if now.duration_since(signed) > SignedDuration::from_mins(TOKEN_MINUTES) {
        return Err(FormatError::Expired(signed));
    }
    let access_key_id = get("x-amz-credential").split('/').next();
    Ok((access_key_id.unwrap_or_default().to_owned(), signed))
}

/// Parses like Go's `strconv.Atoi`. The error is the number that Go returns with its error.
fn atoi(text: &str) -> Result<i64, i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(0);
    }
    text.parse().map_err(|_| match text.starts_with('-') {
        true => i64::MIN,
        false => i64::MAX,
    })
}

impl PresignedRequest {
    /// Returns the identity that the authenticator reads from STS's response.
    ///
    /// # Errors
    /// If the response has no identity.
    pub fn answer(&self, status: u16, body: &str) -> Result<Identity, TokenError> {
        if status != 200 {
            let body = body.to_owned();
            return Err(if body.contains("Throttling") {
                TokenError::Throttled(body)
            } else {
                let region = self.region.clone();
                TokenError::Refused {
                    status,
                    region,
                    body,
                }
            });
        }
        if let Some((_, message)) = go_json::syntax_error(body) {
            return Err(TokenError::Answer(message));
        }
        let answer: Answer =
            serde_json::from_str(body).map_err(|error| TokenError::Answer(error.to_string()))?;
        let CallerIdentity {
            arn,
            account,
            user_id,
        } = answer.response.result;
        Ok(Identity::from_sts(
            &arn,
            &account,
            &user_id,
            &self.access_key_id,
        )?)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(rename = "GetCallerIdentityResponse")]
    response: Response,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Response {
    #[serde(rename = "GetCallerIdentityResult")]
    result: CallerIdentity,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CallerIdentity {
    arn: String,
    account: String,
    user_id: String,
}
