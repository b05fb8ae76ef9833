//! Failures of instance metadata, each with its message and hint.

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::*;

const TAG: (&str, &str) = (
    "sys/devices/virtual/dmi/id/board_asset_tag",
    "i-0fedcba9876543210\n",
);

async fn failing(aws_environment: &AwsEnvironment, files: &[(&str, &str)]) -> ImdsError {
    let (mut imds, _root) = imds(aws_environment, files);
    imds.credentials(now()).await.unwrap_err()
}

#[tokio::test]
async fn imds_disabled_by_variable_is_reported() {
    let server = instance(&[]).await;
    let off = aws_environment(&server).with("AWS_EC2_METADATA_DISABLED", "True");
    let (mut imds, _root) = imds(&off, &[]);
    let error = imds.credentials(now()).await.unwrap_err();
    assert_eq!(
        shown(&error, &error.hint()),
        "instance metadata is disabled: AWS_EC2_METADATA_DISABLED is true\n\
         hint: enable it: unset AWS_EC2_METADATA_DISABLED"
    );
    assert!(imds.region().await.is_err());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn refused_connection_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let here = AwsEnvironment::default().with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    let error = failing(&here, &[]).await;
    let text = shown(&error, &error.hint());
    assert!(
        text.starts_with(&format!(
            "no instance metadata service is at {url}: the connection was refused"
        )),
        "{text}"
    );
    assert!(
        text.contains(
            "hint: this machine does not look like an EC2 instance: name a profile with --profile"
        ),
        "{text}"
    );
    // On an instance, a firewall or proxy blocks the connection.
    let error = failing(&here, &[TAG]).await;
    let text = shown(&error, &error.hint());
    assert!(
        text.contains("hint: this is an EC2 instance, so a firewall or a network policy"),
        "{text}"
    );
    assert!(text.ends_with(&format!("{url}/latest/api/token")), "{text}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn connect_timeout_is_reported() {
    // The listen backlog is full: the kernel drops new connections.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut filling = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        filling.push(stream.unwrap());
    }
    let url = format!("http://{address}");
    let here = AwsEnvironment::default().with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url);
    let begun = Instant::now();
    let error = failing(&here, &[]).await;
    assert!(begun.elapsed() < CEILING);
    let text = shown(&error, &error.hint());
    assert!(
        text.starts_with(&format!(
            "no instance metadata service is at {url}: the connection did not open within 1 s"
        )),
        "{text}"
    );
}

#[tokio::test]
async fn low_hop_limit_in_a_container_is_reported() {
    let server = instance(&[(PUT, Reply::never())]).await;
    let text = shown_by_imds(fetch_on(&server, &[(".dockerenv", ""), TAG]).await);
    assert_eq!(
        text,
        format!(
            "the instance metadata service at {} accepts connections, but its response with the session token does not reach this \
             container, most likely because the instance's HttpPutResponseHopLimit is 1\n\
             hint: raise the hop limit: aws ec2 modify-instance-metadata-options --instance-id i-0fedcba9876543210 \
             --http-put-response-hop-limit 2\n\
             or give the pod its own role with EKS Pod Identity or IRSA",
            server.url
        )
    );
}

#[tokio::test]
async fn low_hop_limit_without_imdsv1_is_reported() {
    let server = instance(&[(PUT, Reply::never()), (LIST, Reply::never())]).await;
    let text = shown_by_imds(fetch_in_container(&server).await);
    assert!(text.contains("HttpPutResponseHopLimit is 1"), "{text}");
    // If IMDSv1 is forbidden, no request is sent without a session.
    let server = instance(&[(PUT, Reply::never())]).await;
    let here = aws_environment(&server).with("AWS_EC2_METADATA_V1_DISABLED", "true");
    let (mut imds, _root) = imds(&here, &[(".dockerenv", "")]);
    let error = imds.credentials(now()).await.unwrap_err();
    assert!(
        error.to_string().contains("HttpPutResponseHopLimit is 1"),
        "{error}"
    );
    assert_eq!(server.lines(), [PUT]);
}

#[tokio::test]
async fn unanswered_put_outside_a_container_is_reported() {
    let server = instance(&[(PUT, Reply::never())]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.contains("did not respond to the request for a session token within 2 s"),
        "{text}"
    );
    assert!(text.contains("aws ec2 modify-instance-metadata-options --instance-id INSTANCE_ID --http-put-response-hop-limit 2"), "{text}");
}

#[tokio::test]
async fn imds_disabled_on_the_instance_is_reported() {
    let forbidden = Reply::status(403, "403 - Forbidden");
    let server = instance(&[(PUT, forbidden.clone()), (LIST, forbidden.clone())]).await;
    let expected = "the instance metadata service is disabled for this instance: it returns 403\n\
                  hint: enable it: aws ec2 modify-instance-metadata-options --instance-id i-0fedcba9876543210 --http-endpoint enabled";
    assert_eq!(shown_by_imds(fetch_on(&server, &[TAG]).await), expected);
    let server = instance(&[(PUT, forbidden)]).await;
    let here = aws_environment(&server).with("AWS_EC2_METADATA_V1_DISABLED", "true");
    let error = failing(&here, &[TAG]).await;
    assert_eq!(shown(&error, &error.hint()), expected);
}

#[tokio::test]
async fn forbidden_responses_from_another_server_are_reported() {
    let forbidden = Reply::status(403, "blocked");
    let server = instance(&[(PUT, forbidden.clone()), (LIST, forbidden)]).await;
    let expected = format!(
        "the server at {} returns 403\n\
         hint: this machine does not look like an EC2 instance: name a profile with --profile, or set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY",
        server.url
    );
    assert_eq!(shown_by_imds(fetch(&server).await), expected);
    let here = aws_environment(&server).with("AWS_EC2_METADATA_V1_DISABLED", "true");
    let error = failing(&here, &[]).await;
    assert_eq!(shown(&error, &error.hint()), expected);
}

#[tokio::test]
async fn imdsv1_is_not_used_if_forbidden_by_variable() {
    let server = instance(&[
        (PUT, Reply::status(404, "")),
        (LIST, Reply::ok("mytestrole")),
    ])
    .await;
    let here = aws_environment(&server).with("AWS_EC2_METADATA_V1_DISABLED", "true");
    let error = failing(&here, &[]).await;
    assert_eq!(
        shown(&error, &error.hint()),
        "no session (IMDSv2) is available, because the instance metadata service returned 404, and \
         AWS_EC2_METADATA_V1_DISABLED forbids IMDSv1\n\
         hint: if IMDSv2 is not possible, allow IMDSv1: remove AWS_EC2_METADATA_V1_DISABLED"
    );
    assert_eq!(server.lines(), [PUT]);
}

#[tokio::test]
async fn required_session_that_cannot_be_created_is_reported() {
    let server = instance(&[(PUT, Reply::status(405, ""))]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.contains("returned 405, and without one it returns 401"),
        "{text}"
    );
    let server = instance(&[(PUT, Reply::status(500, ""))]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.contains("failed at the request for one with 500"),
        "{text}"
    );
    let server = instance(&[(PUT, Reply::broken())]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.contains("broke the connection over the request for one"),
        "{text}"
    );
}

#[tokio::test]
async fn rejected_session_request_is_reported() {
    // Like botocore, awsauth does not use IMDSv1 after a 400.
    let server = instance(&[
        (PUT, Reply::status(400, "")),
        (LIST, Reply::ok("mytestrole")),
    ])
    .await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.starts_with(
            "the instance metadata service refused: the request for a session token returned 400"
        ),
        "{text}"
    );
    assert_eq!(server.lines(), [PUT]);
}

#[tokio::test]
async fn instance_without_a_profile_is_reported() {
    let server = instance(&[(LIST, Reply::status(404, ""))]).await;
    assert_eq!(
        shown_by_imds(fetch(&server).await),
        "the instance i-0123456789abcdef0 has no instance profile, so it has no role\n\
         hint: attach one, and wait up to a minute: aws ec2 associate-iam-instance-profile --instance-id i-0123456789abcdef0 \
         --iam-instance-profile Name=PROFILE --region eu-west-1"
    );
    // If the metadata service does not return the instance ID, it is read from the firmware.
    let server = instance(&[(LIST, Reply::status(404, "")), (ID, Reply::status(500, ""))]).await;
    let text = shown_by_imds(fetch_on(&server, &[TAG]).await);
    assert!(
        text.contains("--instance-id i-0fedcba9876543210 "),
        "{text}"
    );
}

#[tokio::test]
async fn profile_without_a_role_is_reported() {
    let info = r#"{"Code":"Success","Message":"Instance Profile does not contain a role. Please see documentation","InstanceProfileArn":"arn:aws:iam::111122223333:instance-profile/team/workers"}"#;
    for list in [Reply::ok(""), Reply::status(404, "")] {
        let server = instance(&[(LIST, list), (INFO, Reply::ok(info))]).await;
        assert_eq!(
            shown_by_imds(fetch(&server).await),
            "the instance profile arn:aws:iam::111122223333:instance-profile/team/workers does not contain a role\n\
             hint: add a role, then wait for EC2's next refresh: aws iam add-role-to-instance-profile --instance-profile-name workers \
             --role-name ROLE"
        );
    }
}

#[tokio::test]
async fn deleted_profile_is_reported() {
    let info = r#"{"Code":"InstanceProfileNotFound","Message":"Instance Profile cannot be found"}"#;
    let server = instance(&[(LIST, Reply::status(404, "")), (INFO, Reply::ok(info))]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(text.starts_with("the instance profile of the instance i-0123456789abcdef0 was deleted (InstanceProfileNotFound)"), "{text}");
    assert!(
        text.contains("aws ec2 associate-iam-instance-profile --instance-id i-0123456789abcdef0"),
        "{text}"
    );
}

#[tokio::test]
async fn role_that_does_not_trust_ec2_is_reported() {
    let refused = r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume the role mytestrole. Please see documentation at https://docs.aws.amazon.com/","LastUpdated":"2026-11-20T09:00:00Z"}"#;
    let server = instance(&[(ROLE, Reply::ok(refused))]).await;
    assert_eq!(
        shown_by_imds(fetch(&server).await),
        "EC2 may not assume the role mytestrole (AssumeRoleUnauthorizedAccess): its trust policy does not name ec2.amazonaws.com\n\
         hint: add this statement to the trust policy of the role mytestrole, then wait for EC2's next refresh:\n\
         {\n  \"Effect\": \"Allow\",\n  \"Principal\": {\n    \"Service\": \"ec2.amazonaws.com\"\n  },\n  \"Action\": \"sts:AssumeRole\"\n}"
    );
}

#[tokio::test]
async fn credentials_error_code_is_reported() {
    let refused = r#"{"Code":"Failed","Message":"come back later"}"#;
    let server = instance(&[(ROLE, Reply::ok(refused))]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.contains("has no credentials for the role mytestrole: Failed: come back later"),
        "{text}"
    );
}

#[tokio::test]
async fn malformed_credentials_are_reported() {
    let mut lacking = issued();
    lacking.as_object_mut().unwrap().remove("Expiration");
    let cut = issued().to_string().split_at(120).0.to_owned();
    for (body, problem) in [
        ("<html>", "it is not credentials in JSON"),
        (&cut, "it is not credentials in JSON"),
        (&lacking.to_string(), "its Expiration is missing"),
    ] {
        let server = instance(&[(ROLE, Reply::ok(body))]).await;
        let text = shown_by_imds(fetch(&server).await);
        assert!(
            text.starts_with(&format!("the credentials of the role mytestrole from instance metadata cannot be parsed: {problem}")),
            "{text}"
        );
    }
    let server = instance(&[(ROLE, Reply::status(404, ""))]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.contains("the request for the role's credentials returned 404"),
        "{text}"
    );
}

#[tokio::test]
async fn persistent_server_errors_are_reported() {
    let server = instance(&[(ROLE, Reply::status(503, ""))]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.starts_with(
            "the instance metadata service keeps failing: the request for the role's credentials returned 503"
        ),
        "{text}"
    );
    assert_eq!(server.lines().len(), 6);
    let server = instance(&[(LIST, Reply::broken())]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(text.starts_with("the connection to the instance metadata service broke while waiting for the name of the instance's role"), "{text}");
}

#[tokio::test]
async fn slow_service_times_out() {
    let server = instance(&[(ROLE, Reply::never())]).await;
    let text = shown_by_imds(fetch(&server).await);
    assert!(
        text.starts_with(
            "the instance metadata service did not return the role's credentials within 2 s"
        ),
        "{text}"
    );
    // One timeout covers all requests of a client. After it, awsauth sends no more requests.
    let server = instance(&[(REGION, Reply::never())]).await;
    let (mut imds, _root) = imds(&aws_environment(&server), &[]);
    assert!(imds.region().await.is_err());
    let begun = Instant::now();
    let error = imds.credentials(now()).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2), "{error}");
}

#[tokio::test]
async fn metadata_service_of_another_cloud_is_reported() {
    let gone = Reply::status(404, "");
    for (replies, saw) in [
        (
            &[
                (PUT, gone.clone()),
                (LIST, gone.clone()),
                (ID, gone.clone()),
            ][..],
            "it returned 404 for the instance id",
        ),
        (
            &[(LIST, gone.clone()), (ID, Reply::ok("4711"))],
            "its instance ID is not an EC2 instance ID",
        ),
        (
            &[(PUT, Reply::ok("<html>welcome to the hotel</html>"))],
            "its response is not a session token",
        ),
        (
            &[(PUT, Reply::ok(""))],
            "its response is not a session token",
        ),
        (
            &[(LIST, Reply::ok("../../x"))],
            "its response is not the name of the instance's role",
        ),
        (
            &[(LIST, Reply::ok(&"x".repeat(100_000)))],
            "its response to the request for the name of the instance's role is too long",
        ),
    ] {
        let server = instance(replies).await;
        let text = shown_by_imds(fetch(&server).await);
        let expected = format!(
            "the server at {} is not the metadata service of EC2: {saw}\n",
            server.url
        );
        assert!(text.starts_with(&expected), "{text}");
    }
}
