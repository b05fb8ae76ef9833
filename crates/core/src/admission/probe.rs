//! The edit with which the controller sees whether edits are judged at all.

/// The field manager of the edit.
pub const MANAGER: &str = "awsauth-admission-probe";

/// The name of the webhook, which the API server gives with what it refuses.
pub const WEBHOOK: &str = "guard.awsauth.dev";

/// The key of `data` that is brought in. Nobody reads it, and lint calls it an error (S01): were it stored after all, nothing would come
/// of it. It stands by itself, whatever state aws-auth is in, and it is nothing that a policy or EKS's own webhook looks at.
const KEY: &str = "mAPaCCOUNTS";

/// The fields of the forbidden edit, as server-side apply takes them.
pub fn forbidden() -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {KEY: "[] # awsauth-controller sees whether this is refused; it is never stored\n"},
    })
}

/// What the API server's answer to the edit means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// We have refused it.
    Enforced,
    /// It went through though we were asked, for one of the reasons that let edits through; what was said of it.
    LetThrough(String),
    /// It went through, and nobody asked us, or not in time.
    NotEnforced,
    /// Somebody else has refused it before we could; what they said.
    Unknown(String),
}

impl Outcome {
    /// Reads an answer by its status and what it says: the message of a refusal, or else the warnings.
    pub fn of(status: u16, message: &str, warnings: &[String]) -> Self {
        let ours = format!("admission webhook \"{WEBHOOK}\" denied the request");
        if status >= 300 {
            return match message.contains(&ours) {
                true => Self::Enforced,
                false => Self::Unknown(message.to_owned()),
            };
        }
        let mut warnings = warnings.iter();
        match warnings.find(|warning| warning.contains(super::messages::LET_THROUGH)) {
            Some(warning) => Self::LetThrough(warning.clone()),
            None => Self::NotEnforced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NODE, judged, object, refused, review};
    use super::super::{Object, Review};
    use super::*;
    use crate::authenticator::access_diff;
    use crate::document::Document;

    #[test]
    fn the_probe_is_refused_whatever_aws_auth_is() {
        let forbidden = forbidden();
        let data = forbidden["data"].as_object().unwrap();
        let brought_in = |before: &Option<Object>| {
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
            let answer = judged(&brought_in(&before));
            assert_eq!(refused(&answer), ["lint-regression"], "{before:?}");
            // Were it stored, nobody would be let in or kept out by it.
            let read = |object: &Option<Object>| {
                let data = object.as_ref().map(|object| object.contents.data.clone());
                Document::read(&data.unwrap_or_default())
            };
            let after = brought_in(&before).after;
            assert!(access_diff(&read(&before), &read(&after)).is_empty());
        }
    }

    #[test]
    fn the_answer_to_the_probe_is_told_from_what_others_say() {
        let ours =
            "admission webhook \"guard.awsauth.dev\" denied the request: aws-auth stays as it is";
        let other = "admission webhook \"guard.example.com\" denied the request: no";
        let through = "let through by awsauth (lint-regression): would introduce S01".to_owned();
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
                vec!["unrelated".to_owned(), through.clone()],
                Outcome::LetThrough(through),
            ),
        ] {
            assert_eq!(Outcome::of(status, message, &warnings), expected);
        }
    }
}
