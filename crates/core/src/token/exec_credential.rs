//! The ExecCredential that an exec plugin prints.

use std::borrow::Cow;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Token;
use crate::arn::equal_fold;

/// The variable in which a Kubernetes client passes its ExecCredential to an exec plugin.
/// <https://kubernetes.io/docs/reference/config-api/client-authentication.v1/>
pub const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

/// The versions of ExecCredential that current kubectl versions accept:
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>
const SUPPORTED: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

const DEFAULT: &str = SUPPORTED[1];

/// The apiVersion of the ExecCredential that a client requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecVersion(Option<Cow<'static, str>>);

impl Default for ExecVersion {
    /// Returns the version for clients that do not request one.
    fn default() -> Self {
        Self(Some(Cow::Borrowed(DEFAULT)))
    }
}

impl ExecVersion {
    /// Reads the version from [`EXEC_INFO`] as aws-iam-authenticator does: v1beta1 if the variable is empty, and no version if it
    /// is valid and contains none.
    /// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/token/token.go>
    ///
    /// # Errors
    /// If the variable is not an ExecCredential. The authenticator then uses [the default](Self::default).
    pub fn requested_by(exec_info: &str) -> Result<Self, serde_json::Error> {
        if exec_info.is_empty() {
            return Ok(Self::default());
        }
        let info: Option<ExecInfo> = serde_json::from_str(exec_info)?;
        Ok(Self(info.and_then(|info| info.api_version).map(Cow::Owned)))
    }

    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Returns whether kubectl accepts the version. For any other version, kubectl prints an error without a remedy.
    pub fn is_supported(&self) -> bool {
        self.as_str()
            .is_some_and(|version| SUPPORTED.contains(&version))
    }

    /// Returns the line that an exec plugin prints, with its line break.
    pub fn credential(&self, token: &Token) -> SecretString {
        let version = self.as_str().map_or_else(String::new, |version| {
            format!("\"apiVersion\":{},", json_string(version))
        });
        let text = token.text.expose_secret();
        // Rounded down to whole seconds, so that clients renew in time.
        let expiration = token.expiration.strftime("%Y-%m-%dT%H:%M:%SZ");
        let mut line = String::with_capacity(text.len() + version.len() + 256);
        line.push_str(&format!(
            "{{\"kind\":\"ExecCredential\",{version}\"spec\":{{\"interactive\":false}},\
             \"status\":{{\"expirationTimestamp\":\"{expiration}\",\"token\":\""
        ));
        line.push_str(text);
        line.push_str("\"}}\n");
        line.into()
    }
}

/// Returns a JSON string as Go writes it, escaped for HTML.
fn json_string(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// The relevant fields of the client's ExecCredential.
struct ExecInfo {
    api_version: Option<String>,
}

impl<'de> Deserialize<'de> for ExecInfo {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ExecInfoVisitor)
    }
}

struct ExecInfoVisitor;

impl<'de> Visitor<'de> for ExecInfoVisitor {
    type Value = ExecInfo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ExecCredential")
    }

    /// If the key occurs in several spellings, the last one wins, as in Go; null is ignored.
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ExecInfo, M::Error> {
        let mut api_version = None;
        while let Some(key) = map.next_key::<String>()? {
            if !equal_fold(&key, "apiVersion") {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(version) = map.next_value::<Option<String>>()? {
                api_version = Some(version);
            }
        }
        // Go omits empty values.
        api_version = api_version.filter(|version| !version.is_empty());
        Ok(ExecInfo { api_version })
    }
}
