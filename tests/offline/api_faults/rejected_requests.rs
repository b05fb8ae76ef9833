//! Writes that the state of the object rules out or the server rejects, and missing servers.

use std::error::Error;
use std::time::Duration;

use awsauth_core::rbac::Unread;
use awsauth_kube::request_error::Fault;
use awsauth_kube::write::{WriteError, WriteOptions};
use awsauth_kube::{Environment, ErrorKind, Flags, connect};
use serde_json::{Value, json};

use crate::api_faults::run;
use crate::support::fake_api::{FakeApi, Scenario, eksctl_made};

#[tokio::test]
async fn immutable_deleted_or_oversized_object_is_refused_without_a_write() {
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
    for (object, expected) in [
        (
            object("immutable", true.into()),
            "kube-system/aws-auth is marked immutable",
        ),
        (deleted, "kube-system/aws-auth is being deleted"),
        (
            large,
            "kube-system/aws-auth would be 1048626 bytes long, but the limit of a ConfigMap is 1048576",
        ),
    ] {
        let api = FakeApi::start(Scenario::Calm, Some(object)).await;
        let error = run(&api, &options).await.unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            (expected, Some(ErrorKind::Refused))
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
        (Some(ErrorKind::Refused), vec!["GET".to_owned()])
    );
}

#[tokio::test]
async fn server_rejection_is_reported_verbatim() {
    let check = async |status, reason, message, kind: ErrorKind, expected: &str| {
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
            (expected, Some(kind))
        );
        assert_eq!(api.requests(), ["GET", "PUT dry"]);
        error.hint().unwrap()
    };
    let message = "configmaps \"aws-auth\" is forbidden: User \"reader\" cannot update resource \"configmaps\" in API group \"\" in the namespace \"kube-system\"";
    let hint = check(403, "Forbidden", message, ErrorKind::Denied, message).await;
    assert!(
        hint.contains(
            "kubectl --context fake auth can-i update configmaps/aws-auth -n kube-system"
        ),
        "{hint}"
    );
    let message = "admission webhook \"policy.example.com\" denied the request: no";
    check(
        403,
        "Forbidden",
        message,
        ErrorKind::Refused,
        &format!("the API server rejects it: {message}"),
    )
    .await;
    let message = "ConfigMap \"aws-auth\" is invalid: data: Forbidden: field is immutable when `immutable` is set";
    check(
        422,
        "Invalid",
        message,
        ErrorKind::Refused,
        "kube-system/aws-auth is marked immutable",
    )
    .await;
    let message = "ConfigMap \"aws-auth\" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes";
    check(
        422,
        "Invalid",
        message,
        ErrorKind::Refused,
        &format!("it is too large for the API server: {message}"),
    )
    .await;
    check(
        401,
        "Unauthorized",
        "Unauthorized",
        ErrorKind::Denied,
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
async fn html_page_is_not_accepted_as_a_response() {
    for (status, body) in [
        (404, "404 page not found"),
        (200, "<html>sign in</html>"),
        (302, ""),
    ] {
        let api = FakeApi::start(Scenario::Always { status, body }, None).await;
        let error = run(&api, &WriteOptions::default()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the server is not a Kubernetes API server (HTTP {status})")
        );
        assert_eq!(api.requests(), ["GET"]);
    }
}

#[tokio::test]
async fn refused_connection_is_reported_with_its_cause_once() {
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
        (format!("nothing answers at {url}"), ErrorKind::Unreachable)
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
async fn unreadable_rbac_is_recorded_with_the_reason() {
    let forbidden = r#"{"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "not you"}"#;
    for (status, body, why, permitted) in [
        (
            404,
            "404 page not found",
            "the server is not a Kubernetes API server (HTTP 404)",
            true,
        ),
        (
            200,
            r#"{"kind": "ConfigMap"}"#,
            "the server is not a Kubernetes API server (HTTP 200)",
            true,
        ),
        (503, "later", "the API server failed with 503: later", true),
        (403, forbidden, "not you", false),
    ] {
        let api = FakeApi::start(Scenario::Always { status, body }, None).await;
        // A 503 is retried until the timeout; the other responses end the request.
        let patience = Duration::from_secs(if status == 503 { 2 } else { 20 });
        let policy =
            awsauth_kube::rbac::bindings(&crate::api_faults::store(&api).await, patience).await;
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
