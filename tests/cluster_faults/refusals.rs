//! What can't be: refused by the object, by the server, or because there is no server.

use std::error::Error;
use std::time::Duration;

use awsauth::cluster::fault::Fault;
use awsauth::cluster::write::{WriteError, WriteOptions};
use awsauth::cluster::{self, Environment, Flags, Kind, connect};
use awsauth::effect::User;
use awsauth::rbac::{Unread, UserInfo};
use serde_json::{Value, json};

use crate::fake_api::{FakeApi, Scenario, eksctl_made};
use crate::run;

#[tokio::test]
async fn what_the_object_forbids_is_refused_before_anything_is_sent() {
    let options = WriteOptions::default();
    let object = |pointer: &str, value: Value| {
        let mut object = eksctl_made();
        object[pointer] = value;
        object
    };
    let mut deleted = eksctl_made();
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    let large = object(
        "data",
        json!({"mapRoles": "", "other": "x".repeat(1 << 20)}),
    );
    for (object, said) in [
        (
            object("immutable", true.into()),
            "kube-system/aws-auth is marked immutable",
        ),
        (deleted, "kube-system/aws-auth is being deleted"),
        (
            large,
            "kube-system/aws-auth would hold 1048626 bytes, and a ConfigMap holds 1048576 at most",
        ),
    ] {
        let api = FakeApi::start(Scenario::Calm, Some(object)).await;
        let error = run(&api, &options).await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            (said, Some(Kind::Refused))
        );
        assert!(error.hint().is_some());
        assert_eq!(api.requests(), ["GET"]);
    }
    let api = FakeApi::start(Scenario::Calm, None).await;
    let error = run(
        &api,
        &WriteOptions {
            create: false,
            ..options
        },
    )
    .await
    .unwrap_err();
    assert!(matches!(error, WriteError::Missing), "{error:?}");
    assert_eq!(
        (error.kind(), api.requests()),
        (Some(Kind::Refused), vec!["GET".to_owned()])
    );
}

#[tokio::test]
async fn what_the_server_forbids_is_said_in_its_words() {
    let check = async |status, reason, message, kind: Kind, said: &str| {
        let api = FakeApi::start(
            Scenario::RefusesWrites {
                status,
                reason,
                message,
            },
            Some(eksctl_made()),
        )
        .await;
        let error = run(&api, &WriteOptions::default()).await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            (said, Some(kind))
        );
        assert_eq!(api.requests(), ["GET", "PUT dry"]);
        error.hint().unwrap()
    };
    let message = "configmaps \"aws-auth\" is forbidden: User \"reader\" cannot update resource \"configmaps\" in API group \"\" in the namespace \"kube-system\"";
    let hint = check(403, "Forbidden", message, Kind::Denied, message).await;
    assert!(
        hint.ends_with(
            "kubectl --context fake auth can-i update configmaps/aws-auth -n kube-system"
        ),
        "{hint}"
    );
    let message = "admission webhook \"policy.example.com\" denied the request: no";
    check(
        403,
        "Forbidden",
        message,
        Kind::Refused,
        &format!("the API server rejects it: {message}"),
    )
    .await;
    let message = "ConfigMap \"aws-auth\" is invalid: data: Forbidden: field is immutable when `immutable` is set";
    check(
        422,
        "Invalid",
        message,
        Kind::Refused,
        "kube-system/aws-auth is marked immutable",
    )
    .await;
    let message = "ConfigMap \"aws-auth\" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes";
    check(
        422,
        "Invalid",
        message,
        Kind::Refused,
        &format!("it is too large for the API server: {message}"),
    )
    .await;
    check(
        401,
        "Unauthorized",
        "Unauthorized",
        Kind::Denied,
        "the API server does not accept the credentials",
    )
    .await;
    let missing = Scenario::RefusesWrites {
        status: 404,
        reason: "NotFound",
        message: "namespaces \"kube-system\" not found",
    };
    let api = FakeApi::start(missing, None).await;
    let error = run(&api, &WriteOptions::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the cluster has no namespace kube-system"
    );
}

#[tokio::test]
async fn a_page_is_not_taken_for_an_answer() {
    for (status, body) in [
        (404, "404 page not found"),
        (200, "<html>sign in</html>"),
        (302, ""),
    ] {
        let api = FakeApi::start(Scenario::Always { status, body }, None).await;
        let error = run(&api, &WriteOptions::default()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("what answers is not a Kubernetes API server (HTTP {status})")
        );
        assert_eq!(api.requests(), ["GET"]);
    }
}

#[tokio::test]
async fn nothing_listening_is_said_so_with_its_cause_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let flags = Flags {
        server: Some(url.clone()),
        ..Flags::default()
    };
    let store = connect(&flags, &Environment::default()).await.unwrap();
    let error = store.read(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(
        (error.to_string(), error.kind()),
        (format!("nothing answers at {url}"), Kind::Unreachable)
    );
    let cause = error.source().unwrap();
    assert!(cause.to_string().contains("onnection refused"), "{cause}");
    let flags = Flags {
        server: Some("https://no-such-host.invalid".into()),
        ..Flags::default()
    };
    let store = connect(&flags, &Environment::default()).await.unwrap();
    let error = store.read(Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(error.fault, Fault::UnknownHost(..)), "{error:?}");
}

#[tokio::test]
async fn rbac_that_cannot_be_read_is_on_record_with_the_reason() {
    let user = User {
        username: "dev".into(),
        groups: Vec::new(),
    };
    let users = [UserInfo::new(&user, &[])];
    let forbidden = r#"{"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "not you"}"#;
    for (status, body, why, permitted) in [
        (
            404,
            "404 page not found",
            "what answers is not a Kubernetes API server (HTTP 404)",
            true,
        ),
        (
            200,
            r#"{"kind": "ConfigMap"}"#,
            "what answers is not a Kubernetes API server (HTTP 200)",
            true,
        ),
        (503, "later", "the API server failed with 503: later", true),
        (403, forbidden, "not you", false),
    ] {
        let api = FakeApi::start(Scenario::Always { status, body }, None).await;
        let patience = Duration::from_millis(50);
        let policy = cluster::rbac::policy(&crate::store(&api).await, &users, patience).await;
        assert_eq!((policy.bindings, policy.roles.len()), (Vec::new(), 0));
        let unread = |resource: &str, question: &str| Unread {
            resource: resource.to_owned(),
            is_one: false,
            permission: (!permitted).then(|| question.to_owned()),
            why: why.to_owned(),
        };
        assert_eq!(
            policy.unread,
            [
                unread("clusterrolebindings", "list clusterrolebindings"),
                unread("rolebindings", "list rolebindings --all-namespaces"),
            ]
        );
    }
}
