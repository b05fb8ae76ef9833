//! Mapping results of aws-iam-authenticator 0.7.10, recorded in `tests/data/authenticator_vectors`.

use awsauth_core::arn::{Identity, canonical};
use awsauth_core::authenticator::{NOT_MAPPED, Options, Store, User};
use awsauth_core::document::Document;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn vectors(text: &str) -> impl Iterator<Item = Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a vector is JSON"))
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

#[test]
fn canonical_arns_match_the_recording() {
    let mut seen = 0;
    for vector in vectors(include_str!("../data/authenticator_vectors/arn.jsonl")) {
        let arn = vector["arn"].as_str().expect("an arn");
        match canonical(arn) {
            Ok(canonical) => {
                assert_eq!(vector["canonical"], canonical.arn, "{arn}");
                assert_eq!(vector["kind"], canonical.kind.name(), "{arn}");
            }
            Err(error) => assert_eq!(vector["error"], error.to_string(), "{arn}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 71);
}

/// Returns every possible result for the document, in the form of the vectors.
fn answers(vector: &Value) -> Vec<Value> {
    let given = &vector["identity"];
    let text = |field: &str| given[field].as_str().unwrap_or_default();
    let key = "ASIAEXAMPLEKEY";
    let identity = match Identity::from_sts(
        text("sts_arn"),
        text("sts_account"),
        text("sts_userid"),
        key,
    ) {
        Ok(identity) => identity,
        Err(error) => {
            return vec![
                json!({"error": format!("verify: sts getCallerIdentity failed: {error}")}),
            ];
        }
    };
    assert_eq!(identity.canonical_arn, text("canonical"));
    assert_eq!(identity.account, text("account"));
    assert_eq!(identity.user_id, text("userid"));
    assert_eq!(identity.session_name, text("session"));

    let document = Document::read(&texts(&vector["data"]));
    let options = Options {
        sso_gate: vector["sso_gate"] == true,
        private_dns_names: texts(&vector["ec2"]),
    };
    let verdict = Store::new(&document).lookup(&identity, &options);
    if verdict.candidates.is_empty() {
        return vec![json!({ "error": NOT_MAPPED })];
    }
    let answers = verdict
        .candidates
        .into_iter()
        .map(|candidate| match candidate.user {
            Ok(User { username, groups }) => json!({"username": username, "groups": groups}),
            Err(error) => json!({"error": error.to_string()}),
        });
    answers.collect()
}

#[test]
fn identity_mappings_match_the_recording() {
    let mut seen = 0;
    for vector in vectors(include_str!("../data/authenticator_vectors/map.jsonl")) {
        let recorded = match &vector["any_of"] {
            Value::Array(any) => any.clone(),
            _ => vec![vector["result"].clone()],
        };
        assert_eq!(answers(&vector), recorded, "{}", vector["name"]);
        seen += 1;
    }
    assert_eq!(seen, 133);
}
