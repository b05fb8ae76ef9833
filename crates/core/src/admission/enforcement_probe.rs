//! The probe: a forbidden edit that shows whether the API server calls the webhook.

/// The field manager of the probe.
pub const MANAGER: &str = "awsauth-admission-probe";

/// The webhook's name, which the API server adds to its error messages.
pub const WEBHOOK: &str = "guard.awsauth.dev";

/// The key of `data` that the probe adds. Lint reports it as an error (S01) in every aws-auth, so this webhook must
/// deny it; other policies and webhooks have no reason to. If it were stored, it would have no effect.
const KEY: &str = "mAPaCCOUNTS";

/// Returns the probe as a body for server-side apply.
pub fn forbidden() -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {KEY: "[] # awsauth-controller checks whether this is refused; it is never stored\n"},
    })
}

/// The meaning of the API server's response to the probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The webhook denied it.
    Enforced,
    /// The webhook allowed it because of an exemption. Contains the warning.
    Exempted(String),
    /// The API server accepted it without a response of the webhook, which was not called, or failed open.
    NotEnforced,
    /// Something else rejected it, such as RBAC or another admission webhook. Contains the message.
    Unknown(String),
}

impl Outcome {
    /// Interprets a response: its HTTP status, its message, and its warnings.
    pub fn of(status: u16, message: &str, warnings: &[String]) -> Self {
        let ours = format!("admission webhook \"{WEBHOOK}\" denied the request");
        if status >= 300 {
            return match message.contains(&ours) {
                true => Self::Enforced,
                false => Self::Unknown(message.to_owned()),
            };
        }
        let mut warnings = warnings.iter();
        match warnings.find(|warning| warning.contains(super::messages::EXEMPTED)) {
            Some(warning) => Self::Exempted(warning.clone()),
            None => Self::NotEnforced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NODE, object, refused, review, validated};
    use super::super::{Object, Review};
    use super::*;
    use crate::authenticator::access_diff;
    use crate::document::Document;

    #[test]
    fn probe_is_denied_for_every_aws_auth() {
        let forbidden = forbidden();
        let data = forbidden["data"].as_object().unwrap();
        let probed = |before: &Option<Object>| {
            let mut after = before.clone().unwrap_or_default();
            for (key, text) in data {
                after
                    .contents
                    .data
                    .insert(key.clone(), text.as_str().unwrap().into());
            }
            Review {
                before: before.clone(),
                after: Some(after),
                ..review(&[], None)
            }
        };
        for before in [None, object(""), object(NODE), object("- rolearn: [\n")] {
            let result = validated(&probed(&before));
            assert_eq!(refused(&result), ["lint-regression"], "{before:?}");
            // If it were stored, no access would change.
            let read = |object: &Option<Object>| {
                let data = object.as_ref().map(|object| object.contents.data.clone());
                Document::read(&data.unwrap_or_default())
            };
            let after = probed(&before).after;
            assert!(access_diff(&read(&before), &read(&after)).is_empty());
        }
    }

    #[test]
    fn response_of_this_webhook_is_distinguished_from_others() {
        let ours =
            "admission webhook \"guard.awsauth.dev\" denied the request: aws-auth was not changed";
        let other = "admission webhook \"guard.example.com\" denied the request: no";
        let exempted =
            "allowed by an awsauth exemption (lint-regression): would introduce S01".to_owned();
        for (status, message, warnings, expected) in [
            (403, ours, vec![], Outcome::Enforced),
            (403, other, vec![], Outcome::Unknown(other.to_owned())),
            (200, "", vec![], Outcome::NotEnforced),
            (
                201,
                ours,
                vec!["unrelated".to_owned()],
                Outcome::NotEnforced,
            ),
            (
                200,
                "",
                vec!["unrelated".to_owned(), exempted.clone()],
                Outcome::Exempted(exempted),
            ),
        ] {
            assert_eq!(Outcome::of(status, message, &warnings), expected);
        }
    }
}
