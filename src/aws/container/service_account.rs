use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The service account that a token of Kubernetes speaks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceAccount {
    pub(super) namespace: String,
    pub(super) name: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl ServiceAccount {
    /// Reads the subject of a token, without verifying it: it is for a message only.
    /// <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>
    pub(super) fn of(token: &str) -> Option<Self> {
        let claims = token.split('.').nth(1)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims: Claims = serde_json::from_slice(&claims).ok()?;
        let rest = claims.sub.strip_prefix("system:serviceaccount:")?;
        let (namespace, name) = rest.split_once(':')?;
        let plain = |text: &str| {
            let mut bytes = text.bytes();
            bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        };
        (plain(namespace) && plain(name)).then(|| Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_subject_of_a_token_is_read() {
        let found = ServiceAccount::of(&token(
            r#"{"sub":"system:serviceaccount:shop:cart","aud":["pods.eks.amazonaws.com"]}"#,
        ));
        let wanted = ServiceAccount {
            namespace: "shop".into(),
            name: "cart".into(),
        };
        assert_eq!(found, Some(wanted));
        for other in [
            token(r#"{"sub":"repo:a/b"}"#),
            token("{}"),
            token(r#"{"sub":"system:serviceaccount:a;b:c"}"#),
            "a.b.c".into(),
            String::new(),
        ] {
            assert_eq!(ServiceAccount::of(&other), None, "{other}");
        }
    }
}
