//! awsauth and the authenticator's own `Verify` agree on generated invalid tokens.
//!
//! `AWSAUTH_FUZZ_INPUTS=N` sets the number of inputs, `AWSAUTH_FUZZ_SEED=N` the seed.

use std::collections::BTreeMap;

use crate::support::authenticator_oracle::{Answer, Oracle, Request, Verdict};
use awsauth_core::facts::partitions::PARTITIONS;
use awsauth_core::token::{Authenticator, FormatError, TokenError};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

/// The number of tokens in one request.
const BATCH: u64 = 1_000;

#[test]
fn generated_tokens_are_verified_as_by_the_authenticator() {
    let number = |variable: &str, otherwise: u64| {
        std::env::var(variable).map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let inputs = number("AWSAUTH_FUZZ_INPUTS", 30_000);
    let mut rng = Rng::with_seed(number("AWSAUTH_FUZZ_SEED", 1));
    let mut oracle = Oracle::start();
    let mut verdicts: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..inputs.div_ceil(BATCH) {
        let cases: Vec<Case> = (0..BATCH).map(|_| Case::random(&mut rng)).collect();
        let requests: Vec<Request> = cases.iter().map(Case::request).collect();
        // The authenticator uses only the system clock. Generated dates are minutes away from any limit.
        let now = Timestamp::now();
        for (case, answer) in cases.iter().zip(oracle.ask(&requests)) {
            let Answer::Token(theirs) = answer else {
                panic!("{answer:?}: {case:?}");
            };
            let (ours, kind) = case.judge(now);
            let (ours, theirs) = (without_bytes(ours), without_bytes(without_url(theirs)));
            // If a token has several of these faults, the authenticator names any of them.
            if !(is_about_names(&ours) && is_about_names(&theirs)) {
                assert_eq!(ours, theirs, "{case:?}");
            }
            *verdicts.entry(kind).or_default() += 1;
        }
    }
    // Every kind of verdict occurred, except those for tokens that no signer could have produced.
    assert!(verdicts.len() >= 20, "{verdicts:#?}");
}

fn is_about_names(verdict: &Verdict) -> bool {
    let faults = ["non-whitelisted", "duplicate query", "multiple values"];
    matches!(verdict, Verdict::Refused { error } if faults.iter().any(|fault| error.contains(fault)))
}

/// Removes the URL that one of the authenticator's messages repeats.
fn without_url(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Refused { error } => {
            let Some((before, quoted)) = error.split_once(": parse \"") else {
                return Verdict::Refused { error };
            };
            let (_, cause) = quoted.split_once("\": ").expect("a cause");
            let error = format!("{before}: parse \"…\": {cause}");
            Verdict::Refused { error }
        }
        signed_in => signed_in,
    }
}

/// Normalizes bytes that are not UTF-8: we show one replacement character, Go escapes or replaces each byte.
fn without_bytes(verdict: Verdict) -> Verdict {
    let Verdict::Refused { error } = verdict else {
        return verdict;
    };
    let mut shown = String::new();
    let mut rest = error.as_str();
    while let Some(c) = rest.chars().next() {
        let is_escape = rest.starts_with("\\x") && rest.as_bytes().get(2) >= Some(&b'8');
        if is_escape || c == '\u{fffd}' {
            rest = &rest[if is_escape { 4 } else { c.len_utf8() }..];
            if !shown.ends_with('\u{fffd}') {
                shown.push('\u{fffd}');
            }
        } else {
            shown.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Verdict::Refused { error: shown }
}

#[derive(Debug)]
struct Case {
    #[expect(dead_code, reason = "shown when a case fails")]
    url: String,
    token: String,
    partition: &'static str,
    region: &'static str,
    status: u16,
    body: &'static str,
}

const REGIONS: [&str; 12] = [
    "us-east-1",
    "us-gov-west-1",
    "cn-north-1",
    "us-iso-east-1",
    "eusc-de-east-1",
    "eu-isoe-west-1",
    "zz-new-1",
    "US-EAST-1",
    "aws-global",
    "aws-cn-global",
    "us_east_1",
    "-x",
];

const BODIES: [(u16, &str); 8] = [
    (
        200,
        r#"{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"1","Arn":"arn:aws:sts::1:assumed-role/dev/s","UserId":"A:s"}}}"#,
    ),
    (
        200,
        r#"{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"1","Arn":"arn:aws:iam::1:user/u","UserId":"A"},"Other":[1]}}"#,
    ),
    (200, "<GetCallerIdentityResponse/>"),
    (200, "{\"GetCallerIdentityResponse\":"),
    (200, "{}"),
    (400, r#"{"Error":{"Code":"Throttling"}}"#),
    (403, r#"{"Error":{"Code":"SignatureDoesNotMatch"}}"#),
    (503, ""),
];

impl Case {
    fn random(rng: &mut Rng) -> Self {
        let url = url(rng);
        let mut token = format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(&url));
        if one_in(rng, 12) {
            damage(rng, &mut token);
        }
        let (status, body) = match one_in(rng, 4) {
            true => pick(rng, &BODIES),
            false => BODIES[0],
        };
        Self {
            url,
            token,
            partition: match one_in(rng, 30) {
                true => "aws-moon",
                false if rng.bool() => "aws",
                false => PARTITIONS[rng.usize(..PARTITIONS.len())].id,
            },
            region: pick(rng, &REGIONS),
            status,
            body,
        }
    }

    fn request(&self) -> Request {
        Request::Token {
            token: self.token.clone(),
            partition: self.partition.to_owned(),
            region: self.region.to_owned(),
            status: self.status,
            body: self.body.to_owned(),
        }
    }

    /// Returns our verdict and its kind.
    fn judge(&self, now: Timestamp) -> (Verdict, String) {
        let authenticator = Authenticator {
            partition: self.partition,
            region: self.region,
        };
        let replay = authenticator.read(&self.token, now);
        let signed_in =
            replay.and_then(|replay| Ok((replay.answer(self.status, self.body)?, replay.host)));
        match signed_in {
            Ok((identity, host)) => {
                let verdict = Verdict::SignedIn {
                    host,
                    canonical: identity.canonical_arn,
                    access_key: identity.access_key_id,
                };
                (verdict, "SignedIn".to_owned())
            }
            Err(error) => {
                let kind = match &error {
                    TokenError::Format(FormatError::Url(cause)) => cause[..8].to_owned(),
                    other => {
                        let shown = format!("{other:?}");
                        let name: Vec<&str> = shown.split([' ', '{', '"']).take(2).collect();
                        name.join("").split(['(', ')']).take(2).collect()
                    }
                };
                let error = error.to_string();
                (Verdict::Refused { error }, kind)
            }
        }
    }
}

fn one_in(rng: &mut Rng, n: u32) -> bool {
    rng.u32(..n) == 0
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())]
}

fn url(rng: &mut Rng) -> String {
    let scheme = match one_in(rng, 20) {
        true => pick(
            rng,
            &["http", "HTTPS", "https+x", "1x", "", "ht tps", "ftp", "x:y"],
        ),
        false => "https",
    };
    let separator = match one_in(rng, 40) {
        true => pick(rng, &[":", ":/", "/", "", "://", ":///", "//"]),
        false => "://",
    };
    let user = match one_in(rng, 30) {
        true => pick(
            rng,
            &["u@", "u:p@", "%zz@", "a b@", "@", "%41:%42@", "u@v@"],
        ),
        false => "",
    };
    let port = match one_in(rng, 30) {
        true => pick(
            rng,
            &[
                ":443", ":", ":x", ":1:2", "%41", "%25", "%C3%A9", " ", "é", ".",
            ],
        ),
        false => "",
    };
    let path = match one_in(rng, 20) {
        true => pick(
            rng,
            &["", "//", "/x", "/%2", "/%2F", "/%", "/é", "/a b", "/:"],
        ),
        false => "/",
    };
    let fragment = match one_in(rng, 40) {
        true => pick(rng, &["#", "#x", "#%", "#%41", "#\u{1}", "#?"]),
        false => "",
    };
    let mut url = format!(
        "{scheme}{separator}{user}{}{port}{path}?{}{fragment}",
        host(rng),
        query(rng)
    );
    if one_in(rng, 60) {
        damage(rng, &mut url);
    }
    url
}

fn host(rng: &mut Rng) -> String {
    if one_in(rng, 12) {
        let odd = [
            "sts.amazonaws.com",
            "localhost",
            "evil.com",
            "",
            "sts.us-east-1.evil.com",
            "sts..amazonaws.com",
            "a.b.c",
        ];
        return pick(rng, &odd).to_owned();
    }
    let partition = &PARTITIONS[rng.usize(..PARTITIONS.len())];
    let (region, domain) = match rng.bool() {
        // A valid token.
        true => {
            let region = pick(rng, &REGIONS);
            let partition = awsauth_core::facts::partitions::Partition::of_region(region);
            match one_in(rng, 4) {
                true => (region, partition.dual_stack_domain),
                false => (region, partition.domain),
            }
        }
        false => (pick(rng, &REGIONS), partition.domain),
    };
    let service = pick(rng, &["sts", "sts", "sts", "sts-fips", "ec2", "STS"]);
    format!("{service}.{region}.{domain}")
}

fn query(rng: &mut Rng) -> String {
    let date = match one_in(rng, 5) {
        true => odd_date(rng),
        false => now(rng),
    };
    let mut parameters = vec![
        ("Action".to_owned(), "GetCallerIdentity".to_owned()),
        ("Version".to_owned(), "2011-06-15".to_owned()),
        ("X-Amz-Algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()),
        (
            "X-Amz-Credential".to_owned(),
            pick(
                rng,
                &[
                    "AKID%2F20260101%2Fus-east-1%2Fsts%2Faws4_request",
                    "AKID",
                    "",
                    "/x",
                ],
            )
            .to_owned(),
        ),
        ("X-Amz-Date".to_owned(), date),
        ("X-Amz-Expires".to_owned(), "60".to_owned()),
        (
            "X-Amz-SignedHeaders".to_owned(),
            "host%3Bx-k8s-aws-id".to_owned(),
        ),
        ("X-Amz-Signature".to_owned(), "00ff".to_owned()),
    ];
    // At most one fault, because the authenticator names any of several.
    match rng.u32(..24) {
        0 => drop(parameters.remove(rng.usize(..parameters.len()))),
        1 => {
            let odd = [
                "0",
                "900",
                "901",
                "-1",
                "-0",
                "+5",
                "%2B5",
                "060",
                "x",
                "",
                "6%30",
                "1_0",
                "9223372036854775808",
                "-9223372036854775809",
            ];
            parameters[5].1 = pick(rng, &odd).to_owned();
        }
        2 => {
            let odd = [
                "host",
                "x-k8s-aws-id",
                "X-K8S-AWS-ID%3Bhost",
                "host%3B x-k8s-aws-id",
                "host;x-k8s-aws-id",
                "x-\u{212a}8s-aws-id",
                "",
            ];
            parameters[6].1 = pick(rng, &odd).to_owned();
        }
        3 => {
            let odd = [
                "getcalleridentity",
                "AssumeRole",
                "GetCallerIdentity+",
                "%47etCallerIdentity",
                "%",
                "%4",
            ];
            parameters[0].1 = pick(rng, &odd).to_owned();
        }
        4 => {
            let odd = [
                "foo",
                "x-amz-foo",
                "a%22b",
                "Foo%0A",
                "b%C3%A9",
                "+",
                "%",
                "action%",
                "A;B",
            ];
            parameters.push((pick(rng, &odd).to_owned(), "1".to_owned()));
        }
        5 => parameters.push(owned(pick(rng, &[("Version", "2"), ("X-Amz-Date", "2")]))),
        6 => {
            // The authenticator iterates over a map and may use either spelling. So both have the same value.
            let twice = parameters[rng.usize(..parameters.len())].clone();
            parameters.push(twice);
        }
        7 => parameters.push((
            "X-Amz-Security-Token".to_owned(),
            "x".repeat(rng.usize(..3_000)),
        )),
        8 => rng.shuffle(&mut parameters),
        9 => {
            for (name, _) in &mut parameters {
                *name = name.to_uppercase();
            }
        }
        _ => {}
    }
    let pairs: Vec<String> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let joint = match one_in(rng, 40) {
        true => pick(rng, &["&&", ";", "&=&"]),
        false => "&",
    };
    pairs.join(joint)
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Between ten minutes ago and an hour ahead.
fn now(rng: &mut Rng) -> String {
    let then = Timestamp::now() + SignedDuration::from_secs(rng.i64(-600..3_600));
    then.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn odd_date(rng: &mut Rng) -> String {
    match rng.u32(..4) {
        0 => {
            let old = Timestamp::now() - SignedDuration::from_mins(rng.i64(20..100_000));
            let fraction = pick(rng, &["", ".5", ",25", ".1234567891", ".000"]);
            format!("{}{fraction}Z", old.strftime("%Y%m%dT%H%M%S"))
        }
        1 => {
            let two = |rng: &mut Rng| format!("{:02}", rng.u32(..100));
            format!(
                "2099{}{}T{}{}{}Z",
                two(rng),
                two(rng),
                two(rng),
                two(rng),
                two(rng)
            )
        }
        2 => {
            let mut date = now(rng);
            damage(rng, &mut date);
            // There must be no other fault.
            date.replace(['&', ';', '%', '#', '+', '\u{1}'], "x")
        }
        _ => pick(
            rng,
            &[
                "",
                "2026-01-01T00:00:00Z",
                "20990101T1",
                "20990101T1Z",
                "20990101T100Z",
                "99991231T235959Z",
                "00000101T000000Z",
                "20990229T000000Z",
                "20960229T000000Z",
                "20990101T000000.Z",
                "20990101T000000.5",
                "20990101T000000Zx",
                "20990101T000000Z%C3%A9%22%5C",
                "%2020990101T000000Z",
            ],
        )
        .to_owned(),
    }
}

/// Inserts, removes or changes one letter.
fn damage(rng: &mut Rng, text: &mut String) {
    let mut letters: Vec<char> = text.chars().collect();
    let letter = pick(
        rng,
        &[
            'a', 'Z', '0', '9', '-', '_', '=', '+', '/', ':', '%', '.', ' ', '\n', '\r', '\u{1}',
            'é', '"', '@', '?',
        ],
    );
    let at = rng.usize(..letters.len().max(1));
    match rng.u32(..3) {
        0 => letters.insert(at.min(letters.len()), letter),
        1 if !letters.is_empty() => drop(letters.remove(at)),
        _ if !letters.is_empty() => letters[at] = letter,
        _ => {}
    }
    *text = letters.into_iter().collect();
}
