//! Credentials from instance metadata, and the number of requests.

use std::time::Duration;

use awsauth_aws::imds::NoSession;
use secrecy::ExposeSecret;

use super::*;

#[tokio::test]
async fn imds_credentials_take_three_requests_on_one_connection() {
    let server = instance(&[]).await;
    let fetched = fetch(&server).await.unwrap();
    assert_eq!(server.lines(), [PUT, LIST, ROLE]);
    assert_eq!(server.connections(), 1);
    let asked = server.asked();
    assert_eq!(
        asked[0].headers["x-aws-ec2-metadata-token-ttl-seconds"],
        "21600"
    );
    assert_eq!(asked[2].headers["x-aws-ec2-metadata-token"], SESSION);
    assert_eq!(fetched.role, "mytestrole");
    let credentials = &fetched.credentials;
    assert_eq!(credentials.access_key_id, "ASIAEXAMPLEEXAMPLE00");
    assert_eq!(credentials.secret_access_key.expose_secret(), SECRET);
    assert_eq!(
        credentials.session_token.as_ref().unwrap().expose_secret(),
        TOKEN
    );
    assert_eq!(
        credentials.expiration.unwrap().to_string(),
        "2026-11-20T15:00:00Z"
    );
    assert_eq!((fetched.v1, fetched.stale), (None, None));
    let debug = format!("{fetched:?}");
    assert!(!debug.contains(SECRET) && !debug.contains(TOKEN), "{debug}");
}

#[tokio::test]
async fn region_and_instance_id_use_the_same_session() {
    let server = instance(&[]).await;
    let (mut imds, _root) = imds(&aws_environment(&server), &[]);
    assert_eq!(imds.region().await.unwrap(), "eu-west-1");
    assert_eq!(imds.instance_id().await.unwrap(), "i-0123456789abcdef0");
    assert_eq!(imds.credentials(now()).await.unwrap().role, "mytestrole");
    assert_eq!(server.lines(), [PUT, REGION, ID, LIST, ROLE]);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn imdsv1_is_used_if_sessions_are_unsupported() {
    for status in [403, 404, 405] {
        let server = instance(&[
            (PUT, Reply::status(status, "")),
            (LIST, Reply::ok("mytestrole\n")),
            (ROLE, Reply::ok(&issued().to_string())),
        ])
        .await;
        let fetched = fetch(&server).await.unwrap();
        assert_eq!(fetched.v1, Some(NoSession::NotOffered(status)));
        assert_eq!(server.lines(), [PUT, LIST, ROLE]);
        assert!(
            !server.asked()[1]
                .headers
                .contains_key("x-aws-ec2-metadata-token")
        );
    }
}

#[tokio::test]
async fn low_hop_limit_falls_back_to_imdsv1_if_allowed() {
    let server = instance(&[
        (PUT, Reply::never()),
        (LIST, Reply::ok("mytestrole")),
        (ROLE, Reply::ok(&issued().to_string())),
    ])
    .await;
    let fetched = fetch_in_container(&server).await.unwrap();
    assert_eq!(fetched.v1, Some(NoSession::Unanswered));
}

#[tokio::test]
async fn slow_session_is_used() {
    let late = Reply::after(200, SESSION, Duration::from_millis(1300));
    let server = instance(&[(PUT, late)]).await;
    let fetched = fetch(&server).await.unwrap();
    assert_eq!(fetched.v1, None);
}

#[tokio::test]
async fn transient_failures_are_retried() {
    for passing in [
        Reply::status(503, ""),
        Reply::status(500, ""),
        Reply::status(429, ""),
        Reply::broken(),
    ] {
        let passing = passing.times(2);
        let server = instance(&[
            (PUT, passing.clone()),
            (LIST, passing.clone()),
            (ROLE, passing.times(1)),
        ])
        .await;
        let fetched = fetch(&server).await.unwrap();
        assert_eq!(fetched.v1, None);
        assert_eq!(server.lines().len(), 8);
    }
}

#[tokio::test]
async fn expired_instance_credentials_are_used_with_an_extended_expiration() {
    let mut old = issued();
    old["Expiration"] = "2026-11-20T09:59:59Z".into();
    let server = instance(&[(ROLE, Reply::ok(&old.to_string()))]).await;
    let fetched = fetch(&server).await.unwrap();
    assert_eq!(
        fetched.credentials.expiration.unwrap().to_string(),
        "2026-11-20T10:15:00Z"
    );
    let stale = fetched.stale.unwrap().to_string();
    assert!(
        stale.starts_with("the credentials from instance metadata expired at 2026-11-20T09:59:59Z"),
        "{stale}"
    );
}
