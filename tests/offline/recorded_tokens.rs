//! Tokens of aws-iam-authenticator 0.7.10 and its verdicts on tokens, recorded in `tests/data/authenticator_vectors`.

use awsauth_core::token::{Authenticator, Credentials, Endpoint, ExecVersion, StsHost, Token};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::Value;

fn vectors(text: &str) -> impl Iterator<Item = Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a vector is JSON"))
}

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector[field].as_str().unwrap_or_default()
}

/// When the tokens of presign.jsonl were signed.
const SIGNED: &str = "2026-11-20T07:11:50Z";

fn credentials(vector: &Value) -> Credentials {
    let session = text(vector, "session_token");
    Credentials {
        access_key_id: text(vector, "access_key").to_owned(),
        secret_access_key: text(vector, "secret_key").into(),
        session_token: (!session.is_empty()).then(|| session.into()),
        expiration: None,
        account_id: None,
    }
}

#[test]
fn signed_tokens_match_the_recording() {
    let now: Timestamp = SIGNED.parse().expect("an instant");
    let mut seen = 0;
    for vector in vectors(include_str!("../data/authenticator_vectors/presign.jsonl")) {
        let host = StsHost::of(text(&vector, "region"), Endpoint::default()).expect("a region");
        let token = Token::sign(&credentials(&vector), &host, text(&vector, "cluster"), now);
        let signed = token.text.expose_secret();
        let url = BASE64_URL_SAFE_NO_PAD
            .decode(signed.trim_start_matches("k8s-aws-v1."))
            .expect("base64");
        assert_eq!(vector["url"], String::from_utf8_lossy(&url).as_ref());
        assert_eq!(signed, vector["token"]);
        let seconds = token.expiration.duration_since(now).as_secs();
        assert_eq!(vector["expires_after_s"], seconds);
        seen += 1;
    }
    assert_eq!(seen, 12);
}

#[test]
fn token_expires_before_its_credentials() {
    let now: Timestamp = SIGNED.parse().expect("an instant");
    let host = StsHost::of("us-east-1", Endpoint::default()).expect("a region");
    for (left, stated) in [
        (SignedDuration::from_hours(1), SignedDuration::from_mins(14)),
        (SignedDuration::from_mins(15), SignedDuration::from_mins(14)),
        (SignedDuration::from_mins(10), SignedDuration::from_mins(9)),
        (
            SignedDuration::from_secs(30),
            SignedDuration::from_secs(-30),
        ),
    ] {
        let ending = Credentials {
            expiration: Some(now + left),
            ..credentials(&Value::Null)
        };
        let token = Token::sign(&ending, &host, "c", now);
        assert_eq!(token.expiration, now + stated, "{left:?}");
    }
}

#[test]
fn only_token_over_the_limit_is_reported_as_too_long() {
    let now: Timestamp = SIGNED.parse().expect("an instant");
    let host = StsHost::of("us-east-1", Endpoint::default()).expect("a region");
    let mut longest = 0;
    for length in 2_500..3_000 {
        let credentials = Credentials {
            session_token: Some("x".repeat(length).into()),
            ..credentials(&Value::Null)
        };
        let token = Token::sign(&credentials, &host, "c", now);
        let bytes = token.text.expose_secret().len();
        assert_eq!(token.is_too_long(), bytes > 4096, "{bytes}");
        longest = longest.max(bytes);
    }
    assert!(longest > 4096);
}

#[test]
fn debug_output_contains_no_secret() {
    let secret = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "hush-key".into(),
        session_token: Some("hush-session".into()),
        expiration: None,
        account_id: None,
    };
    let host = StsHost::of("us-east-1", Endpoint::default()).expect("a region");
    let token = Token::sign(&secret, &host, "c", Timestamp::UNIX_EPOCH);
    let shown = format!("{secret:?} {token:?}");
    for hidden in ["hush", "aHR0cH", "k8s-aws-v1"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

fn credential(exec_info: &str, expiration: &str) -> String {
    let token = Token {
        text: "k8s-aws-v1.abc".into(),
        expiration: expiration.parse().expect("an instant"),
    };
    let line = ExecVersion::requested_by(exec_info)
        .unwrap_or_default()
        .credential(&token);
    let line = line.expose_secret().strip_suffix('\n').expect("an end");
    line.to_owned()
}

#[test]
fn exec_credentials_match_the_recording() {
    let mut seen = 0;
    for vector in vectors(include_str!("../data/authenticator_vectors/exec.jsonl")) {
        assert_eq!(text(&vector, "token"), "k8s-aws-v1.abc");
        let exec_info = text(&vector, "exec_info");
        let line = credential(exec_info, text(&vector, "expiration"));
        assert_eq!(vector["output"], line, "{exec_info}");
        seen += 1;
    }
    assert_eq!(seen, 24);
}

#[test]
fn exec_credential_has_the_requested_version() {
    for (exec_info, version, taken) in [
        (
            r#"{"apiVersion":"client.authentication.k8s.io/v1"}"#,
            Some("client.authentication.k8s.io/v1"),
            true,
        ),
        ("", Some("client.authentication.k8s.io/v1beta1"), true),
        (
            r#"{"apiVersion":"client.authentication.k8s.io/v1alpha1"}"#,
            Some("client.authentication.k8s.io/v1alpha1"),
            false,
        ),
        (r#"{"apiVersion":"a","APIVERSION":"b"}"#, Some("b"), false),
        (r#"{"apiVersion":"a","apiversion":null}"#, Some("a"), false),
        (r#"{"apiVersion":""}"#, None, false),
        (
            r#"{"spec":{"cluster":{"server":"https://x"},"apiVersion":"a"}}"#,
            None,
            false,
        ),
    ] {
        let asked = ExecVersion::requested_by(exec_info).expect(exec_info);
        assert_eq!(asked.as_str(), version, "{exec_info}");
        assert_eq!(asked.is_supported(), taken, "{exec_info}");
    }
    let odd = credential(r#"{"apiVersion":"<\"&\u2028>"}"#, "2026-01-02T03:04:05Z");
    assert!(
        odd.contains(r#""apiVersion":"\u003c\"\u0026\u2028\u003e","spec""#),
        "{odd}"
    );
}

/// The STS response in vectors that specify none.
const ANSWER: &str = r#"{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"111122223333",
    "Arn":"arn:aws:sts::111122223333:assumed-role/dev/s","UserId":"AROAEXAMPLE:s"}}}"#;

#[test]
fn verification_results_match_the_recording() {
    let mut seen = 0;
    for vector in vectors(include_str!("../data/authenticator_vectors/token.jsonl")) {
        let name = &vector["name"];
        let authenticator = Authenticator {
            partition: text(&vector, "partition"),
            region: text(&vector, "region"),
        };
        let now: Timestamp = text(&vector, "now").parse().expect("an instant");
        let replay = authenticator.read(text(&vector, "token"), now);
        assert_eq!(replay.is_ok(), !vector["sent_host"].is_null(), "{name}");
        if let Ok(replay) = &replay {
            assert_eq!(vector["sent_host"], replay.host, "{name}");
            assert_eq!(vector["sent_x_k8s_aws_id"], "my-cluster", "{name}");
            assert_eq!(vector["sent_accept"], "application/json", "{name}");
        }
        let status = vector["sts_status"].as_u64().unwrap_or(200);
        let body = match (status, vector["sts_body"].as_str()) {
            (_, Some(body)) => body,
            (200, None) => ANSWER,
            _ => "",
        };
        let status = u16::try_from(status).expect("a status");
        match replay.and_then(|replay| replay.answer(status, body)) {
            Ok(identity) => {
                assert_eq!(vector["ok"], true, "{name}");
                assert_eq!(
                    text(&vector, "access_key"),
                    identity.access_key_id,
                    "{name}"
                );
            }
            Err(error) => assert_eq!(vector["error"], error.to_string(), "{name}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 104);
}

/// Returns a token with this URL.
fn token_of(url: &str) -> String {
    format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(url))
}

#[test]
fn rejection_does_not_contain_the_token() {
    let authenticator = Authenticator {
        partition: "aws",
        region: "us-east-1",
    };
    for url in [
        "https://sts.us-east-1.amazonaws.com:x/?hush",
        "https://sts.us-east-1.amazonaws.com/?\u{1}hush",
        "https://%zz/?hush",
        "hush:hush/?hush",
        "https://sts.us-east-1.amazonaws.com/?X-Amz-Security-Token=hush&X-Amz-Security-Token=hush",
    ] {
        let refused = authenticator.read(&token_of(url), Timestamp::UNIX_EPOCH);
        let shown = format!("{refused:?} {}", refused.as_ref().expect_err(url));
        assert!(
            !shown.contains("?hush") && !shown.contains("=hush"),
            "{shown}"
        );
    }
}

#[test]
fn own_tokens_are_accepted_in_every_partition() {
    let now: Timestamp = SIGNED.parse().expect("an instant");
    for (region, partition) in [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eusc-de-east-1", "aws-eusc"),
    ] {
        for (fips, dual_stack) in [(false, false), (true, false), (false, true), (true, true)] {
            let Ok(host) = StsHost::of(region, Endpoint { fips, dual_stack }) else {
                assert!(dual_stack && partition.starts_with("aws-iso"), "{region}");
                continue;
            };
            let token = Token::sign(&credentials(&Value::Null), &host, "c", now);
            let read = Authenticator { partition, region }.read(token.text.expose_secret(), now);
            let replay = read.unwrap_or_else(|error| panic!("{region}: {error}"));
            assert_eq!((replay.host, replay.signed), (host.name, now));
        }
    }
}

/// Found by `tests/external_tools/authenticator_tokens.rs`.
#[test]
fn invalid_url_is_reported_before_its_scheme() {
    let authenticator = Authenticator {
        partition: "aws",
        region: "us-east-1",
    };
    let refused = authenticator.read(&token_of("x:y#%"), Timestamp::UNIX_EPOCH);
    let expected = "input token was not properly formatted: parse \"…\": invalid URL escape \"%\"";
    assert_eq!(refused.expect_err("no token").to_string(), expected);
}
