//! Which tokens are accepted, and why others are rejected.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::eks_cluster::harness::{
    ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, map_args, sign, sign_at,
};
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::simulated_aws::REGION;

const PREFIX: &str = "k8s-aws-v1.";

fn admin() -> Who {
    Who::user("admin", &["system:masters"])
}

#[test]
fn role_is_admitted_only_if_mapped() {
    let session = ExclusiveCluster::start();
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    let theirs = session.token(&credentials);
    assert_eq!(session.who(&theirs), Who::Unauthorized);

    session.done(&map_args(MYTESTROLE));
    session.becomes(&credentials, &admin());
    assert_eq!(session.who(&theirs), admin());
    assert_eq!(kubectl_whoami(&session, &theirs), Some(admin()));

    session.done(&["unmap", "role", MYTESTROLE]);
    session.becomes(&credentials, &Who::Unauthorized);
    let theirs = session.fresh_token(&credentials);
    assert_eq!(kubectl_whoami(&session, &theirs), None);
}

/// Runs `kubectl auth whoami` with a token.
fn kubectl_whoami(session: &ExclusiveCluster, token: &str) -> Option<Who> {
    let mut command = session.cluster.kubectl_command();
    command
        .env_remove("KUBECONFIG")
        .args(["auth", "whoami", "-o", "json", "--token", token])
        .args(["--server", &session.cluster.server_url()])
        .arg("--certificate-authority")
        .arg(session.cluster.ca());
    let run = Run::of(&mut command);
    if run.status == 0 {
        return Some(Who::of(&run.json()["status"]["userInfo"]));
    }
    run.says(1, &["You must be logged in to the server (Unauthorized)"]);
    None
}

#[test]
fn token_of_every_region_in_the_partition_is_accepted() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    session.becomes(&credentials, &admin());
    for (region, more) in [
        ("eu-west-1", None),
        ("ap-southeast-7", None),
        ("us-east-1", Some("AWS_USE_FIPS_ENDPOINT")),
        ("us-west-2", Some("AWS_USE_DUALSTACK_ENDPOINT")),
        ("aws-global", None),
    ] {
        let mut environment = session.aws().environment().with_credentials(&credentials);
        environment = environment.with("AWS_REGION", region);
        if let Some(more) = more {
            environment = environment.with(more, "true");
        }
        let token = session.token_in(&environment, eks::NAME);
        assert_eq!(session.who(&token), admin(), "{region} {more:?}");
        // A token signed for that region, on the plain host.
        if more.is_none() {
            let token = sign(&credentials, region, eks::NAME);
            assert_eq!(session.who(&token), admin(), "{region}");
        }
    }
}

#[test]
fn invalid_tokens_are_rejected_for_the_expected_reason() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let aws = session.aws();
    let credentials = aws.sessions(&[MYTESTROLE_SESSION]).remove(0);
    session.becomes(&credentials, &admin());
    let good = session.fresh_token(&credentials);

    let mut over = credentials.clone();
    over.session_token = aws.sessions(&[MYTESTROLE_SESSION])[0].session_token.clone();
    let mut unknown = credentials.clone();
    unknown.access_key_id = "ASIAUNKNOWNUNKNOWN00".to_owned();
    let mut wrong_secret = credentials.clone();
    wrong_secret.secret_access_key.replace_range(..1, "_");
    let mut no_session = credentials.clone();
    no_session.session_token = None;
    let of = |fields| aws.sessions_with(&[fields]).remove(0);
    let ended = of(json!({"arn": MYTESTROLE_SESSION, "seconds": -1}));
    let long = of(json!({"arn": MYTESTROLE_SESSION, "sessionTokenBytes": 3000}));

    let fresh = |credentials| session.fresh_token(credentials);
    let ago = |minutes| {
        let signed = Timestamp::now() - SignedDuration::from_mins(minutes);
        sign_at(&credentials, REGION, eks::NAME, signed)
    };
    for (what, token, reason) in [
        (
            "for another cluster",
            sign(&credentials, REGION, "other"),
            "SignatureDoesNotMatch",
        ),
        (
            "expired",
            ago(16),
            "X-Amz-Date parameter is expired (15 minute expiration)",
        ),
        (
            "from a clock that is ahead",
            ago(-20),
            "Signature not yet current",
        ),
        (
            "for another partition",
            sign(&credentials, "cn-north-1", eks::NAME),
            "partition {aws} does not support hostname sts.cn-north-1.amazonaws.com.cn",
        ),
        (
            "of another region's signature",
            changed(&good, "sts.us-east-1.", "sts.eu-west-1."),
            "Credential should be scoped to a valid region.",
        ),
        (
            "with an altered date",
            changed(&good, "X-Amz-Expires=60", "X-Amz-Expires=61"),
            "SignatureDoesNotMatch",
        ),
        (
            "with another action",
            changed(&good, "GetCallerIdentity", "GetSessionToken"),
            "unexpected action parameter in pre-signed URL",
        ),
        (
            "for another host",
            changed(
                &good,
                "sts.us-east-1.amazonaws.com",
                "sts.us-east-1.example.com",
            ),
            "unexpected hostname",
        ),
        (
            "with one more parameter",
            changed(&good, "&X-Amz-Date", "&X=y&X-Amz-Date"),
            "non-whitelisted query parameter",
        ),
        ("of an unknown key", fresh(&unknown), "InvalidClientTokenId"),
        (
            "of a wrong secret",
            fresh(&wrong_secret),
            "SignatureDoesNotMatch",
        ),
        (
            "without the session token",
            fresh(&no_session),
            "InvalidClientTokenId",
        ),
        (
            "with the session token of another session",
            fresh(&over),
            "InvalidClientTokenId",
        ),
        (
            "of credentials that have ended",
            fresh(&ended),
            "ExpiredToken",
        ),
        ("too long", fresh(&long), "token is too large"),
    ] {
        let before = session.denials().len();
        assert_eq!(session.who(&token), Who::Unauthorized, "{what}");
        let denials = session.denials().split_off(before);
        assert!(
            denials.iter().any(|line| line.contains(reason)),
            "{what}: {denials:?}"
        );
    }
    // The rejections have no other cause in common.
    assert_eq!(session.who(&good), admin());
    // A token does not outlive its credentials.
    session.aws().expire(&credentials.access_key_id);
    session.becomes(&credentials, &Who::Unauthorized);
}

#[test]
fn failing_sts_rejects_tokens_until_it_recovers() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    session.becomes(&credentials, &admin());
    for (fault, reason) in [
        (
            json!({"status": 400, "code": "Throttling", "message": "Rate exceeded"}),
            "throttled",
        ),
        (
            json!({"status": 503, "code": "ServiceUnavailable", "message": "later"}),
            "got 503",
        ),
        (json!({"drop": true}), "EOF"),
    ] {
        let mut fault = fault;
        fault["service"] = json!("sts");
        session.aws().fault(&fault);
        let before = session.denials().len();
        assert_eq!(
            session.who(&session.fresh_token(&credentials)),
            Who::Unauthorized
        );
        let denials = session.denials().split_off(before).join("\n");
        assert!(denials.contains(reason), "{fault}: {denials}");
        session.aws().no_faults();
        assert_eq!(session.who(&session.fresh_token(&credentials)), admin());
    }
}

/// Returns the token with a part of its URL replaced.
fn changed(token: &str, from: &str, to: &str) -> String {
    let url = BASE64_URL_SAFE_NO_PAD
        .decode(&token[PREFIX.len()..])
        .unwrap();
    let url = String::from_utf8(url).unwrap();
    assert!(url.contains(from), "{url}");
    let url = url.replacen(from, to, 1);
    format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(url))
}

impl ExclusiveCluster {
    /// The log lines of the authenticator's rejections.
    fn denials(&self) -> Vec<String> {
        let log = self.cluster.folder().join("aws-iam-authenticator.log");
        let log = fs::read_to_string(log).unwrap();
        let lines = log.lines().filter(|line| line.contains("access denied"));
        lines.map(str::to_owned).collect()
    }
}
