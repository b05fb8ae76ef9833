//! The role of an instance and of a container, from the AWS stand-in.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use crate::support::environment::Environment;
use crate::support::simulated_aws::{Aws, trusts_service};
use awsauth_aws::container_credentials::{Container, ContainerError};
use awsauth_aws::imds::{Fetched, Imds, ImdsError, NoSession, Settings};
use awsauth_aws::{AwsEnvironment, Machine};
use jiff::Timestamp;
use serde_json::{Value, json};

const INSTANCE: &str = "i-0123456789abcdef0";
const ROLE: &str = "arn:aws:iam::111122223333:role/team/mytestrole";

fn started() -> (Aws, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let aws = Aws::start(folder.path()).unwrap();
    aws.role(ROLE, &[trusts_service("ec2.amazonaws.com")]);
    (aws, folder)
}

fn aws_environment(environment: &Environment) -> AwsEnvironment {
    let variables = environment.variables();
    variables.fold(AwsEnvironment::default(), |all, (name, value)| {
        all.with(name, value)
    })
}

/// Fetches credentials as a program on an instance, in a container or not.
async fn on(aws: &Aws, fields: Value, container: bool) -> Result<Fetched, ImdsError> {
    let mut instance =
        json!({"id": INSTANCE, "profile": "workers", "role": ROLE, "metadata": "v2"});
    instance
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    let url = aws.instance(&instance);
    let here = aws_environment(&aws.environment().on_instance(&url));
    let root = tempfile::tempdir().unwrap();
    if container {
        std::fs::write(root.path().join(".dockerenv"), "").unwrap();
    }
    let machine = Machine::of(&AwsEnvironment::default()).rooted(root.path());
    let settings = Settings::of(&here, |_| None).unwrap().on(machine);
    aws.forget_requests();
    Imds::new(settings).credentials(Timestamp::now()).await
}

/// Returns the requests to the metadata service in order.
fn asked(aws: &Aws) -> Vec<String> {
    let requests = aws.requests().into_iter();
    let imds = requests.inspect(|asked| assert_eq!(asked.service, "imds"));
    imds.map(|asked| format!("{} {}", asked.method, asked.path))
        .collect()
}

#[tokio::test]
async fn instance_role_credentials_are_read() {
    let (aws, _folder) = started();
    for (metadata, v1) in [
        ("v2", None),
        ("v1-and-v2", None),
        ("v1", Some(NoSession::NotOffered(404))),
    ] {
        let fetched = on(&aws, json!({"metadata": metadata}), false)
            .await
            .unwrap();
        assert_eq!((fetched.role.as_str(), fetched.v1), ("mytestrole", v1));
        assert!(fetched.credentials.access_key_id.starts_with("ASIA"));
        assert_eq!(
            asked(&aws),
            [
                "PUT /latest/api/token",
                "GET /latest/meta-data/iam/security-credentials/",
                "GET /latest/meta-data/iam/security-credentials/mytestrole",
            ]
        );
    }
}

#[tokio::test]
async fn missing_instance_role_is_explained() {
    let (aws, _folder) = started();
    let says = async |fields: Value, container| on(&aws, fields, container).await.unwrap_err();
    let error = says(json!({"metadata": "hop-limit"}), true).await;
    assert!(matches!(error, ImdsError::HopLimit { .. }), "{error}");
    let error = says(json!({"metadata": "hop-limit"}), false).await;
    assert!(matches!(error, ImdsError::NoAnswer { .. }), "{error}");
    let error = says(json!({"metadata": "disabled"}), false).await;
    assert!(matches!(error, ImdsError::SwitchedOff { .. }), "{error}");
    let error = says(json!({"profile": "", "role": ""}), false).await;
    assert!(
        matches!(&error, ImdsError::NoProfile { instance } if instance.id.as_deref() == Some(INSTANCE)),
        "{error}"
    );
    let error = says(json!({"role": ""}), false).await;
    assert_eq!(
        error.to_string(),
        "the instance profile arn:aws:iam::111122223333:instance-profile/workers does not contain a role"
    );
    aws.role(ROLE, &[trusts_service("lambda.amazonaws.com")]);
    let error = says(json!({}), false).await;
    assert!(
        matches!(&error, ImdsError::NotTrusted { role } if role == "mytestrole"),
        "{error}"
    );
}

#[tokio::test]
async fn printed_statement_fixes_the_trust() {
    let (aws, _folder) = started();
    aws.role(ROLE, &[]);
    let error = on(&aws, json!({}), false).await.unwrap_err();
    let hint = error.hint();
    let statement = &hint[hint.find('{').unwrap()..];
    aws.role(ROLE, &[serde_json::from_str(statement).unwrap()]);
    assert!(on(&aws, json!({}), false).await.is_ok());
}

#[tokio::test]
async fn metadata_failures_are_retried_and_slow_responses_time_out() {
    let (aws, _folder) = started();
    aws.fault(&json!({"service": "imds", "times": 2, "status": 503}));
    on(&aws, json!({}), false).await.unwrap();
    aws.fault(&json!({"service": "imds", "path": "/latest/meta-data/iam/", "hang": true}));
    let error = on(&aws, json!({}), false).await.unwrap_err();
    assert!(matches!(error, ImdsError::Slow { .. }), "{error}");
}

#[tokio::test]
async fn pod_and_task_role_credentials_are_read() {
    let (aws, _folder) = started();
    for (kind, service) in [
        ("pod-identity", "pods.eks.amazonaws.com"),
        ("ecs", "ecs-tasks.amazonaws.com"),
    ] {
        let fields = |role: &str| json!({"id": kind, "kind": kind, "role": role, "authorizationToken": "authorization-of-the-container"});
        let ask = async |url: &str, token| {
            let here = aws_environment(&aws.environment().in_container(url, token));
            Container::of(&here).unwrap().unwrap().credentials().await
        };
        let status = |error: ContainerError| match error {
            ContainerError::Refused { status, .. } => status,
            other => panic!("{other}"),
        };
        aws.role(ROLE, &[trusts_service(service)]);
        let url = aws.container(&fields(ROLE));
        let credentials = ask(&url, "authorization-of-the-container").await.unwrap();
        assert!(credentials.access_key_id.starts_with("ASIA"));
        assert_eq!(status(ask(&url, "another").await.unwrap_err()), 400);
        let url = aws.container(&fields(""));
        assert_eq!(
            status(
                ask(&url, "authorization-of-the-container")
                    .await
                    .unwrap_err()
            ),
            404
        );
    }
}
