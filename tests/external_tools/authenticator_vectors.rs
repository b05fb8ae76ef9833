//! The oracle of the differential tests returns the recorded answers of the authenticator exactly.

use std::collections::BTreeMap;

use crate::support::authenticator_oracle::{
    Answer, CanonicalArn, Data, Derived, Identity, Login, Mapped, Oracle, Parsed, Request,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Returns the lines of a vector file as requests and recorded answers.
fn vectors<Q: DeserializeOwned, A: DeserializeOwned>(file: &str) -> Vec<(Q, A)> {
    let path = format!(
        "{}/tests/data/authenticator_vectors/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let lines = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let read = |line: &str| -> serde_json::Result<(Q, A)> {
        Ok((serde_json::from_str(line)?, serde_json::from_str(line)?))
    };
    lines
        .lines()
        .map(|line| read(line).unwrap_or_else(|e| panic!("{path}: {e}: {line}")))
        .collect()
}

/// Sends all requests together. Answers and vectors are in the same order.
fn ask<Q, A>(vectors: Vec<(Q, A)>, request: impl Fn(&Q) -> Request) -> Vec<(Q, A, Answer)> {
    let requests: Vec<Request> = vectors.iter().map(|(asked, _)| request(asked)).collect();
    let answers = Oracle::start().ask(&requests);
    vectors
        .into_iter()
        .zip(answers)
        .map(|((asked, want), have)| (asked, want, have))
        .collect()
}

#[test]
fn parse_answers_match_the_recording() {
    let vectors = vectors::<Data, Parsed>("parse.jsonl");
    assert!(vectors.len() > 500);
    for (data, want, have) in ask(vectors, |data| Request::Parse { data: data.clone() }) {
        assert_eq!(have, Answer::Parse(want), "{data:?}");
    }
}

#[test]
fn map_answers_match_the_recording() {
    #[derive(Deserialize)]
    struct RecordedRequest {
        #[serde(flatten)]
        data: Data,
        identity: Identity,
        sso_gate: bool,
        #[serde(default)]
        ec2: BTreeMap<String, String>,
    }
    #[derive(Deserialize)]
    struct Recorded {
        identity: RecordedIdentity,
        result: Option<Login>,
        #[serde(default)]
        any_of: Vec<Login>,
    }
    #[derive(Deserialize)]
    struct RecordedIdentity {
        canonical: Option<String>,
        session: String,
    }

    let vectors = vectors::<RecordedRequest, Recorded>("map.jsonl");
    assert!(vectors.len() > 100);
    let request = |asked: &RecordedRequest| Request::Map {
        data: asked.data.clone(),
        identity: asked.identity.clone(),
        sso_gate: asked.sso_gate,
        ec2: asked.ec2.clone(),
    };
    for (asked, want, have) in ask(vectors, request) {
        let Answer::Map(Mapped {
            identity,
            result,
            any_of,
        }) = have
        else {
            panic!("{have:?}")
        };
        assert_eq!(
            as_set(result, any_of),
            as_set(want.result, want.any_of),
            "{:?}",
            asked.data
        );
        let derived = identity.map(
            |Derived {
                 canonical, session, ..
             }| (canonical, session),
        );
        assert_eq!(
            derived,
            want.identity
                .canonical
                .map(|canonical| (canonical, want.identity.session))
        );
    }
}

/// Returns every possible outcome in a fixed order.
fn as_set(result: Option<Login>, any_of: Vec<Login>) -> Vec<Login> {
    let mut outcomes: Vec<Login> = result.into_iter().chain(any_of).collect();
    outcomes.sort();
    outcomes
}

#[test]
fn arn_answers_match_the_recording() {
    #[derive(Deserialize)]
    struct RecordedRequest {
        arn: String,
    }
    let vectors = vectors::<RecordedRequest, CanonicalArn>("arn.jsonl");
    assert!(vectors.len() > 50);
    for (asked, want, have) in ask(vectors, |asked| Request::Arn {
        arn: asked.arn.clone(),
    }) {
        assert_eq!(have, Answer::Arn(want), "{}", asked.arn);
    }
}

#[test]
fn answers_are_in_request_order() {
    let mut oracle = Oracle::start();
    let arns: Vec<String> = (0..5_000)
        .map(|i| format!("arn:aws:sts::111122223333:assumed-role/r{i}/session"))
        .collect();
    let requests: Vec<Request> = arns.into_iter().map(|arn| Request::Arn { arn }).collect();
    for (i, answer) in oracle.ask(&requests).into_iter().enumerate() {
        let canonical = format!("arn:aws:iam::111122223333:role/r{i}");
        let kind = "assumed-role".to_owned();
        assert_eq!(answer, Answer::Arn(CanonicalArn::Valid { canonical, kind }));
    }
}

#[test]
fn non_utf8_texts_are_read_and_mapped() {
    let mut oracle = Oracle::start();
    let mut data = Data::default();
    let roles = "- rolearn: arn:aws:iam::111122223333:role/Dev\n  username: '{{SessionName}}'\n- username: x\n";
    data.texts.insert("mapRoles".to_owned(), roles.to_owned());
    data.bytes
        .insert("mapUsers".to_owned(), b"- userarn: \x80".to_vec());
    let identity = Identity {
        sts_arn: "arn:aws:sts::111122223333:assumed-role/Dev/a@b".to_owned(),
        sts_account: "111122223333".to_owned(),
        sts_userid: "AROAEXAMPLE:a@b".to_owned(),
        access_key: "ASIAEXAMPLE".to_owned(),
    };
    let map = Request::Map {
        data: data.clone(),
        identity,
        sso_gate: false,
        ec2: [].into(),
    };
    let answers = oracle.ask(&[Request::Parse { data }, map]);
    let [Answer::Parse(parsed), Answer::Map(mapped)] = &answers[..] else {
        panic!("unexpected answers {answers:?}");
    };
    assert_eq!(parsed.roles[0].key, "arn:aws:iam::111122223333:role/dev");
    assert_eq!(parsed.roles[0].groups, None);
    assert_eq!(
        parsed.errors,
        [
            "yaml: invalid leading UTF-8 octet",
            "one of rolearn or SSO must be supplied"
        ]
    );
    let login = Login::Accepted {
        username: "a-b".to_owned(),
        groups: vec![],
    };
    assert_eq!(mapped.result, Some(login));
}
