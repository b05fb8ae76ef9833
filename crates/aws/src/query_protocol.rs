//! A client of AWS services that speak the Query protocol or the one of EC2: signed form posts, answered in XML.
//!
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html> and
//! <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_sts::config::http::HttpRequest;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::result::ConnectorError;
use quick_xml::de;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::client_config::{
    ClientError, ClientSettings, INITIAL_BACKOFF, MAX_ATTEMPTS, credentials_of_sdk,
};
use super::request_error::{clock_ahead, without_signed_request};
use super::response_limit::{LimitedConnector, text_of};
use super::{AwsError, Refused};
use awsauth_core::token::Credentials;

const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const USER_AGENT: (&str, &str) = ("user-agent", concat!("awsauth/", env!("CARGO_PKG_VERSION")));

/// Error codes of throttled requests, as the AWS SDKs list them.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>
const THROTTLING: [&str; 13] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Other errors after which the SDKs send the request again.
const TRANSIENT: [&str; 2] = ["RequestTimeout", "RequestTimeoutException"];

/// A service: its name in signatures and the version of its API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    pub(crate) signing_name: &'static str,
    pub(crate) version: &'static str,
}

/// The URL of a service, and the region that signatures name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) signing_region: String,
}

impl Endpoint {
    /// Returns the configured endpoint of a service, or else its standard one, which depends on whether FIPS and dual-stack
    /// endpoints are requested. `variable` is the suffix of the service's endpoint variable, such as `IAM`.
    pub(crate) fn of(
        settings: &ClientSettings<'_>,
        variable: &str,
        standard: impl FnOnce(bool, bool) -> Self,
    ) -> Result<Self, ClientError> {
        let fips = settings.fips() == Some(true);
        let dual_stack = settings.dual_stack() == Some(true);
        let standard = standard(fips, dual_stack);
        let Some(url) = settings.endpoint(variable)? else {
            return Ok(standard);
        };
        if fips || dual_stack {
            return Err(ClientError::EndpointVariant {
                variant: if fips { "FIPS" } else { "dual-stack" },
                url,
            });
        }
        Ok(Self { url, ..standard })
    }
}

/// How long to wait for a connection, and for one call with all its attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) operation: Duration,
}

/// A client of one service. Clones share their connections.
#[derive(Clone)]
pub(crate) struct QueryClient(Arc<Inner>);

struct Inner {
    connector: LimitedConnector<Connector>,
    service: Service,
    url: String,
    signing_region: String,
    credentials: aws_credential_types::Credentials,
    operation_timeout: Duration,
}

/// A failed attempt.
struct Failure {
    error: AwsError,
    is_transient: bool,
}

impl QueryClient {
    pub(crate) fn new(
        settings: &ClientSettings<'_>,
        service: Service,
        endpoint: Endpoint,
        credentials: &Credentials,
        timeouts: Timeouts,
    ) -> Result<Self, ClientError> {
        let is_plain = endpoint.url.starts_with("http:");
        Ok(Self(Arc::new(Inner {
            connector: settings.connector(is_plain, Some(timeouts.connect))?,
            service,
            url: format!("{}/", endpoint.url.trim_end_matches('/')),
            signing_region: endpoint.signing_region,
            credentials: credentials_of_sdk(credentials),
            operation_timeout: timeouts.operation,
        })))
    }

    /// Calls an action and reads its response. Repeats the request after throttling and transient failures, with a random,
    /// exponentially growing delay.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, AwsError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", self.0.service.version)
            .extend_pairs(parameters)
            .finish();
        let answer = timeout(self.0.operation_timeout, self.0.send_with_retries(&body)).await;
        let text = answer.unwrap_or_else(|_| Err(AwsError::timed_out()))?;
        de::from_str(&text).map_err(|error| AwsError::InvalidResponse {
            why: format!("{action}: {error}"),
        })
    }
}

impl Inner {
    async fn send_with_retries(&self, body: &str) -> Result<String, AwsError> {
        let mut delay = INITIAL_BACKOFF;
        for _ in 1..MAX_ATTEMPTS {
            match self.send(body).await {
                Err(failure) if failure.is_transient => sleep(delay.mul_f64(fastrand::f64())).await,
                answer => return answer.map_err(|failure| failure.error),
            }
            delay *= 2;
        }
        self.send(body).await.map_err(|failure| failure.error)
    }

    async fn send(&self, body: &str) -> Result<String, Failure> {
        let request = self.signed(body).map_err(|error| Failure {
            error,
            is_transient: false,
        })?;
        let response = self.connector.call(request).await;
        let response = response.map_err(|error| Failure::of_connector(&error))?;
        let (status, clock_ahead) = (response.status().as_u16(), clock_ahead(&response));
        let text = text_of(&response);
        if status < 300 {
            return Ok(text.into_owned());
        }
        let Some(error) = ErrorResponse::read(&text) else {
            let why = format!("status {status} without an error of AWS");
            return Err(Failure {
                error: AwsError::InvalidResponse { why },
                is_transient: is_transient_status(status),
            });
        };
        let code = error.error.code;
        let is_transient = is_transient_status(status)
            || THROTTLING.contains(&code.as_str())
            || TRANSIENT.contains(&code.as_str());
        Err(Failure {
            error: AwsError::Refused(Box::new(Refused {
                code,
                message: without_signed_request(&error.error.message),
                request_id: error.request_id,
                clock_ahead,
            })),
            is_transient,
        })
    }

    fn signed(&self, body: &str) -> Result<HttpRequest, AwsError> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.signing_region)
            .name(self.service.signing_name)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("every parameter is set");
        let headers = [CONTENT_TYPE, USER_AGENT];
        let body_bytes = SignableBody::Bytes(body.as_bytes());
        let unusable = |error: &dyn std::error::Error| AwsError::InvalidResponse {
            why: format!("the request cannot be signed: {error}"),
        };
        let signable =
            SignableRequest::new("POST", self.url.as_str(), headers.into_iter(), body_bytes);
        let signable = signable.map_err(|error| unusable(&error))?;
        let signed = sign(signable, &parameters.into()).map_err(|error| unusable(&error))?;
        let (signed_headers, _) = signed.into_parts().0.into_parts();

        let mut request = HttpRequest::new(body.to_owned().into());
        request
            .set_method("POST")
            .map_err(|error| unusable(&error))?;
        request
            .set_uri(self.url.as_str())
            .map_err(|error| unusable(&error))?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value);
        }
        for header in signed_headers {
            let value = header.value().to_owned();
            request.headers_mut().insert(header.name(), value);
        }
        Ok(request)
    }
}

impl Failure {
    fn of_connector(error: &ConnectorError) -> Self {
        Self {
            error: AwsError::of_connector(error),
            is_transient: error.is_timeout() || error.is_io(),
        }
    }
}

fn is_transient_status(status: u16) -> bool {
    matches!(status, 500 | 502 | 503 | 504)
}

/// The body of an error.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ErrorResponse {
    pub(crate) error: ErrorDetail,
    pub(crate) request_id: Option<String>,
}

/// The body of an error of EC2.
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
    /// Reads the XML; `None` if it is not an error of AWS.
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

    use super::*;
    use crate::AwsEnvironment;
    use crate::config_file::ConfigFiles;
    use crate::runtime::BlockingRuntime;

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

    /// Serves these answers one after the other, and returns the requests.
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
