//! A client for AWS services with the AWS Query or EC2 Query protocol: signed form posts, answered in XML.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html> and
//! <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>

use quick_xml::de;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::AwsError;
use super::client_config::{ClientError, ClientSettings};
use super::signed_client::{Endpoint, Message, ServiceError, SignedClient, Timeouts};
use awsauth_core::token::Credentials;

const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A service: its SigV4 signing name and its API version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    pub(crate) signing_name: &'static str,
    pub(crate) version: &'static str,
}

/// A client of one service. Clones share their connections.
#[derive(Clone)]
pub(crate) struct QueryClient {
    client: SignedClient,
    version: &'static str,
}

impl QueryClient {
    pub(crate) fn new(
        settings: &ClientSettings<'_>,
        service: Service,
        endpoint: Endpoint,
        credentials: &Credentials,
        timeouts: Timeouts,
    ) -> Result<Self, ClientError> {
        let Service {
            signing_name,
            version,
        } = service;
        let client = SignedClient::new(settings, signing_name, endpoint, credentials, timeouts)?;
        Ok(Self { client, version })
    }

    /// Calls an action and reads its response. Retries after throttling and transient errors.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, AwsError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", self.version)
            .extend_pairs(parameters)
            .finish();
        let message = Message {
            headers: &[CONTENT_TYPE],
            body: &body,
            read_error: |text| ErrorResponse::read(text).map(ErrorResponse::into_error),
        };
        let text = self.client.send(&message).await?;
        de::from_str(&text).map_err(|error| AwsError::InvalidResponse {
            why: format!("{action}: {error}"),
        })
    }
}

/// The body of an error response.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ErrorResponse {
    pub(crate) error: ErrorDetail,
    pub(crate) request_id: Option<String>,
}

/// The body of an EC2 error.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ec2ErrorResponse {
    errors: Ec2Errors,
    #[serde(rename = "RequestID")]
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ec2Errors {
    error: ErrorDetail,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ErrorDetail {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

impl ErrorResponse {
    /// Parses the XML; `None` if it is not an AWS error response.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let of_ec2 = || {
            let response: Ec2ErrorResponse = de::from_str(text).ok()?;
            Some(Self {
                error: response.errors.error,
                request_id: response.request_id,
            })
        };
        de::from_str(text).ok().or_else(of_ec2)
    }

    fn into_error(self) -> ServiceError {
        ServiceError {
            code: self.error.code,
            message: self.error.message,
            request_id: self.request_id,
        }
    }
}

/// A list in a response. EC2 calls the element `item`.
#[derive(Debug, Deserialize)]
pub(crate) struct Members<T> {
    #[serde(default = "Vec::new", alias = "item")]
    member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}

impl<T> Members<T> {
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.member
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.member.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use super::*;
    use crate::AwsEnvironment;
    use crate::blocking_runtime::BlockingRuntime;
    use crate::config_file::ConfigFiles;

    #[test]
    fn error_response_is_read_from_its_xml() {
        let text = r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <Error>
    <Type>Sender</Type>
    <Code>NoSuchEntity</Code>
    <Message>The role with name &quot;a&amp;b&quot; cannot be found.</Message>
  </Error>
  <RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId>
</ErrorResponse>"#;
        let error = ErrorResponse::read(text).expect("an error");
        assert_eq!(error.error.code, "NoSuchEntity");
        assert_eq!(
            error.error.message,
            "The role with name \"a&b\" cannot be found."
        );
        assert_eq!(
            error.request_id.as_deref(),
            Some("7a62c49f-347e-4fc4-9331-6e8eEXAMPLE")
        );
    }

    #[test]
    fn error_response_of_ec2_is_read() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>"#;
        let error = ErrorResponse::read(text).expect("an error");
        assert_eq!(error.error.code, "UnauthorizedOperation");
        assert_eq!(
            error.request_id.as_deref(),
            Some("ea966190-f9aa-478e-9ede-example")
        );
    }

    /// Serves these responses in order, and returns the requests.
    fn serve(answers: &'static [(u16, &'static str)]) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = thread::spawn(move || {
            let serve_one = |(status, body): &(u16, &str)| {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut request = String::new();
                let mut buffer = [0; 4096];
                while !request.contains("Version=") {
                    let length = stream.read(&mut buffer).expect("a request");
                    request.push_str(&String::from_utf8_lossy(&buffer[..length]));
                }
                write!(
                    stream,
                    "HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .expect("a reader");
                request
            };
            answers.iter().map(serve_one).collect()
        });
        (url, server)
    }

    fn call(url: String) -> Result<Members<String>, AwsError> {
        let settings = ClientSettings {
            environment: &AwsEnvironment::default(),
            files: &ConfigFiles::default(),
            profile: None,
        };
        let credentials = Credentials {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: "secret".into(),
            session_token: Some("token".into()),
            expiration: None,
            account_id: None,
        };
        let service = Service {
            signing_name: "iam",
            version: "2010-05-08",
        };
        let endpoint = Endpoint {
            url,
            signing_region: "us-east-1".to_owned(),
        };
        let timeouts = Timeouts {
            connect: Duration::from_secs(5),
            operation: Duration::from_secs(20),
        };
        let client = QueryClient::new(&settings, service, endpoint, &credentials, timeouts);
        let client = client.expect("a client");
        let answer = client.call("ListRoles", &[("Marker", "a b&c")]);
        BlockingRuntime::default()
            .block_on(answer)
            .expect("a runtime")
    }

    const THROTTLED: &str = "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";

    #[test]
    fn request_is_signed_and_repeated_after_throttling() {
        let (url, server) = serve(&[
            (400, THROTTLED),
            (503, "<html>unavailable</html>"),
            (200, "<R><member>a</member><member>b</member></R>"),
        ]);
        let answer = call(url).expect("an answer");
        assert_eq!(answer.into_vec(), ["a", "b"]);
        let requests = server.join().expect("requests");
        assert_eq!(requests.len(), 3);
        for request in requests {
            assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
            assert!(
                request.ends_with("\r\n\r\nAction=ListRoles&Version=2010-05-08&Marker=a+b%26c"),
                "{request}"
            );
            let signed = "/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=";
            assert!(request.contains(signed), "{request}");
            assert!(
                request.contains("x-amz-security-token: token\r\n"),
                "{request}"
            );
        }
    }

    #[test]
    fn request_is_sent_four_times_at_most() {
        let (url, server) = serve(&[
            (400, THROTTLED),
            (400, THROTTLED),
            (400, THROTTLED),
            (400, THROTTLED),
        ]);
        let error = call(url).expect_err("a refusal");
        assert_eq!(error.code(), Some("Throttling"));
        assert_eq!(server.join().expect("requests").len(), 4);
    }

    #[test]
    fn denied_request_is_not_repeated() {
        let (url, server) = serve(&[(
            403,
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: x</Message></Error></ErrorResponse>",
        )]);
        let error = call(url).expect_err("a refusal");
        assert!(error.is_denial());
        assert_eq!(server.join().expect("requests").len(), 1);
    }

    #[test]
    fn other_text_is_not_an_error_response() {
        for text in [
            "",
            "upstream connect error",
            "<html><body>502</body></html>",
            r#"{"Error": {"Code": "AccessDenied"}}"#,
            "<ErrorResponse><Error><Message>no code</Message></Error></ErrorResponse>",
        ] {
            assert_eq!(ErrorResponse::read(text), None, "{text}");
        }
    }
}
