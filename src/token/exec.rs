use std::borrow::Cow;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::Token;
use crate::arn::equal_fold;

/// The variable in which a Kubernetes client tells its exec plugin what it expects.
/// <https://kubernetes.io/docs/reference/config-api/client-authentication.v1/>
pub const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

/// The versions of ExecCredential that a kubectl of today takes:
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>
const TAKEN: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// What a client that says nothing of it gets.
const UNASKED: &str = TAKEN[1];

/// The apiVersion in which a client wants its ExecCredential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecVersion(Option<Cow<'static, str>>);

impl ExecVersion {
    /// What [`EXEC_INFO`] asks for, as aws-iam-authenticator reads it: v1beta1 when it is empty or can't be read, and
    /// none at all when it can be read and names none.
    /// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/token/token.go>
    pub fn asked_for(exec_info: &str) -> Self {
        if exec_info.is_empty() {
            return Self(Some(Cow::Borrowed(UNASKED)));
        }
        match serde_json::from_str::<Option<ExecInfo>>(exec_info) {
            Ok(info) => Self(info.and_then(|info| info.api_version).map(Cow::Owned)),
            Err(_) => Self(Some(Cow::Borrowed(UNASKED))),
        }
    }

    /// The version, if any is stated.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Whether it is one that kubectl takes. For any other it says so itself, but not what to do.
    pub fn is_taken(&self) -> bool {
        self.as_str()
            .is_some_and(|version| TAKEN.contains(&version))
    }

    /// The line that an exec plugin prints, with its end.
    pub fn credential(&self, token: &Token) -> SecretString {
        let version = self.as_str().map_or_else(String::new, |version| {
            format!("\"apiVersion\":{},", json_string(version))
        });
        let text = token.text.expose_secret();
        // Whole seconds, those that have passed: a client should not come late.
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

/// A JSON string as Go writes one, fit for HTML.
fn json_string(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// What matters of the client's ExecCredential.
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

    /// The last of several spellings counts, and null says nothing, as to Go.
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ExecInfo, M::Error> {
        let mut api_version = None;
        while let Some(key) = map.next_key::<String>()? {
            if !equal_fold(&key, "apiVersion") {
                map.next_value::<IgnoredAny>()?;
            } else if let Some(version) = map.next_value::<Option<String>>()? {
                api_version = Some(version);
            }
        }
        // Go leaves out what is empty.
        api_version = api_version.filter(|version| !version.is_empty());
        Ok(ExecInfo { api_version })
    }
}
