//! Failures of container endpoints, each with its message and hint.

use std::fs;

use awsauth_aws::container_credentials::Container;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::net::TcpListener;

use super::container_credentials::*;
use super::*;
use crate::support::certificates::Certificates;

/// A token that Kubernetes projects into a pod of the service account shop/cart.
fn pod_token() -> String {
    let claims = r#"{"sub":"system:serviceaccount:shop:cart","aud":["pods.eks.amazonaws.com"]}"#;
    format!("e30.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

async fn fails(aws_environment: &AwsEnvironment) -> String {
    let begun = Instant::now();
    let error = container(aws_environment).credentials().await.unwrap_err();
    assert!(begun.elapsed() < CEILING);
    let text = shown(&error, &error.hint());
    assert!(!format!("{error:?}{text}").contains("/v1/"), "{text}");
    if let Some(token) = aws_environment.get(AUTHORIZATION) {
        assert!(!format!("{error:?}{text}").contains(token.trim()), "{text}");
    }
    text
}

#[tokio::test]
async fn missing_pod_identity_association_is_reported() {
    let refused = "[4b6c]: (ResourceNotFoundException): No association found, fault: client\n";
    let server = agent(&[Reply::status(404, refused)]).await;
    assert_eq!(
        fails(&here(&server).with(AUTHORIZATION, &pod_token())).await,
        "the EKS Pod Identity agent has no credentials for the service account shop/cart: it returned 404: [4b6c]: \
         (ResourceNotFoundException): No association found, fault: client\n\
         hint: list this service account's associations: aws eks list-pod-identity-associations --cluster-name CLUSTER --namespace shop \
         --service-account cart"
    );
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn response_that_echoes_the_token_is_redacted() {
    let server = agent(&[Reply::status(400, &format!("bad token {}", pod_token()))]).await;
    let text = fails(&here(&server).with(AUTHORIZATION, &pod_token())).await;
    assert!(
        text.contains("it returned 400: bad token (the token)"),
        "{text}"
    );
}

#[tokio::test]
async fn stopped_agent_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let here = AwsEnvironment::default().with(URI, &format!("{url}/not-to-be-shown"));
    let text = fails(&here).await;
    assert!(
        text.starts_with(&format!(
            "the credentials endpoint is not running: nothing accepts connections at {url}"
        )),
        "{text}"
    );
    let text = fails(&here.with(AUTHORIZATION, &pod_token())).await;
    assert!(
        text.starts_with("the EKS Pod Identity agent is not running"),
        "{text}"
    );
    assert!(
        text.contains(
            "kubectl get pods -n kube-system -l app.kubernetes.io/name=eks-pod-identity-agent"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "aws eks create-addon --cluster-name CLUSTER --addon-name eks-pod-identity-agent"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn unreadable_token_file_is_reported() {
    let server = agent(&[agent_response()]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let path = file.to_str().unwrap();
    let text = fails(&here(&server).with(FILE, path)).await;
    assert!(
        text.starts_with(&format!("cannot read {path}, which {FILE} names: ")),
        "{text}"
    );
    assert!(text.ends_with(&format!("ls -l '{path}'")), "{text}");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn token_with_a_line_break_is_not_sent() {
    let server = agent(&[agent_response()]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "secret\r\nx-forged: 1").unwrap();
    let text = fails(&here(&server).with(FILE, file.to_str().unwrap())).await;
    assert!(
        text.starts_with(&format!("the token that {FILE} gives holds a line break")),
        "{text}"
    );
    let text = fails(&here(&server).with(AUTHORIZATION, "secret\n")).await;
    assert!(
        text.starts_with(&format!(
            "the token that {AUTHORIZATION} gives holds a line break"
        )),
        "{text}"
    );
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn disallowed_host_is_refused() {
    let here = AwsEnvironment::default().with(URI, "http://anywhere.example/x");
    let error = Container::of(&here).unwrap_err();
    let text = shown(&error, &error.hint());
    assert!(
        text.starts_with("the credentials endpoint anywhere.example requires TLS"),
        "{text}"
    );
    let error = Container::of(&AwsEnvironment::default().with(URI, "x")).unwrap_err();
    let text = shown(&error, &error.hint());
    assert!(
        text.starts_with(&format!("\"x\", which is {URI}, is not a URI")),
        "{text}"
    );
}

#[tokio::test]
async fn persistent_endpoint_errors_are_reported() {
    let server = agent(&[Reply::status(500, "boom")]).await;
    let text = fails(&here(&server)).await;
    assert!(
        text.starts_with("the credentials endpoint keeps failing: it returned 500: boom"),
        "{text}"
    );
    assert_eq!(server.lines().len(), 4);
    let server = agent(&[Reply::broken()]).await;
    let text = fails(&here(&server)).await;
    assert!(
        text.contains("the connection to the credentials endpoint"),
        "{text}"
    );
}

#[tokio::test]
async fn slow_endpoint_times_out() {
    let server = agent(&[Reply::never()]).await;
    let text = fails(&here(&server)).await;
    assert!(text.contains("did not respond within 5 s"), "{text}");
    assert_eq!(server.lines(), [GET]);
}

#[tokio::test]
async fn malformed_credentials_are_reported() {
    let mut lacking = issued();
    lacking.as_object_mut().unwrap().remove("Token");
    for (body, problem) in [
        ("<html>", "it is not credentials in JSON"),
        (&lacking.to_string(), "its Token is missing"),
    ] {
        let server = agent(&[Reply::ok(body)]).await;
        let text = fails(&here(&server)).await;
        assert!(
            text.starts_with(&format!(
                "the response of the credentials endpoint cannot be read: {problem}"
            )),
            "{text}"
        );
    }
}

#[tokio::test]
async fn untrusted_https_endpoint_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(folder.path()).unwrap();
    let server = Server::start_with([(GET, agent_response())], Some(acceptor(&certificates))).await;
    let at = |path: &std::path::Path| here(&server).with("AWS_CA_BUNDLE", path.to_str().unwrap());
    // A CA that did not sign the server's certificate.
    let text = fails(&at(&certificates.server)).await;
    assert!(
        text.starts_with(&format!("TLS with the credentials endpoint {}", server.url)),
        "{text}"
    );
    assert!(
        text.contains(
            "hint: set AWS_CA_BUNDLE to a file with the certificate that signed the endpoint's"
        ),
        "{text}"
    );
    let text = fails(&at(&certificates.server_key)).await;
    assert!(text.contains("contains no usable certificate"), "{text}");
    let text = fails(&at(&folder.path().join("none"))).await;
    assert!(
        text.starts_with("TLS with the credentials endpoint cannot be set up: cannot read"),
        "{text}"
    );
    assert_eq!(server.lines(), Vec::<String>::new());
}
