//! A client for an AWS service without an SDK: signs requests, and retries them after throttling and transient errors.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_sts::config::http::HttpRequest;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::result::ConnectorError;
use tokio::time::{sleep, timeout};

use super::client_config::{
    ClientError, ClientSettings, INITIAL_BACKOFF, MAX_ATTEMPTS, credentials_of_sdk,
};
use super::request_error::{clock_ahead, without_signed_request};
use super::response_limit::{LimitedConnector, text_of};
use super::{AwsError, Refused};
use awsauth_core::facts::partitions::Partition;
use awsauth_core::redact;
use awsauth_core::token::Credentials;

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

/// Other error codes after which the SDKs retry.
const TRANSIENT: [&str; 2] = ["RequestTimeout", "RequestTimeoutException"];

/// The URL of a service, and the region for which requests to it are signed.
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
                url: redact::text(&url),
            });
        }
        Ok(Self { url, ..standard })
    }

    /// Returns the endpoint of a service with an endpoint in every region.
    pub(crate) fn regional(
        settings: &ClientSettings<'_>,
        signing_name: &str,
        variable: &str,
        region: &str,
    ) -> Result<Self, ClientError> {
        Self::of(settings, variable, |fips, dual_stack| Self {
            url: regional_url(signing_name, region, fips, dual_stack),
            signing_region: region.to_owned(),
        })
    }
}

fn regional_url(service: &str, region: &str, fips: bool, dual_stack: bool) -> String {
    let partition = Partition::of_region(region);
    let domain = match dual_stack {
        true => partition.dual_stack_domain,
        false => partition.domain,
    };
    let suffix = match (fips, dual_stack) {
        // In GovCloud, the endpoints without dual stack are FIPS endpoints.
        (true, false) if partition.id == "aws-us-gov" => "",
        (true, _) => "-fips",
        (false, _) => "",
    };
    format!("https://{service}{suffix}.{region}.{domain}")
}

/// The time limits for a connection, and for one call with all its attempts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) operation: Duration,
}

/// A request to a service, whose path is always `/`.
pub(crate) struct Message<'a> {
    pub(crate) headers: &'a [(&'static str, &'a str)],
    pub(crate) body: &'a str,
    /// Reads the body of an error; `None` if it is not an AWS error.
    pub(crate) read_error: fn(&str) -> Option<ServiceError>,
}

/// An error response of a service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServiceError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) request_id: Option<String>,
}

/// A client of one service. Clones share their connections.
#[derive(Clone)]
pub(crate) struct SignedClient(Arc<Inner>);

struct Inner {
    connector: LimitedConnector<Connector>,
    signing_name: &'static str,
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

impl SignedClient {
    pub(crate) fn new(
        settings: &ClientSettings<'_>,
        signing_name: &'static str,
        endpoint: Endpoint,
        credentials: &Credentials,
        timeouts: Timeouts,
    ) -> Result<Self, ClientError> {
        let is_plain = endpoint.url.starts_with("http:");
        Ok(Self(Arc::new(Inner {
            connector: settings.connector(is_plain, Some(timeouts.connect))?,
            signing_name,
            url: format!("{}/", endpoint.url.trim_end_matches('/')),
            signing_region: endpoint.signing_region,
            credentials: credentials_of_sdk(credentials),
            operation_timeout: timeouts.operation,
        })))
    }

    /// Sends a message and returns the response's body. Retries after throttling and transient errors, with a random,
    /// exponentially growing delay.
    pub(crate) async fn send(&self, message: &Message<'_>) -> Result<String, AwsError> {
        let answer = timeout(self.0.operation_timeout, self.0.send_with_retries(message)).await;
        answer.unwrap_or_else(|_| Err(AwsError::timed_out()))
    }
}

impl Inner {
    async fn send_with_retries(&self, message: &Message<'_>) -> Result<String, AwsError> {
        let mut delay = INITIAL_BACKOFF;
        for _ in 1..MAX_ATTEMPTS {
            match self.send(message).await {
                Err(failure) if failure.is_transient => sleep(delay.mul_f64(fastrand::f64())).await,
                answer => return answer.map_err(|failure| failure.error),
            }
            delay *= 2;
        }
        self.send(message).await.map_err(|failure| failure.error)
    }

    async fn send(&self, message: &Message<'_>) -> Result<String, Failure> {
        let request = self.signed(message).map_err(|error| Failure {
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
        let Some(error) = (message.read_error)(&text) else {
            let why = format!("HTTP status {status} without an AWS error");
            return Err(Failure {
                error: AwsError::InvalidResponse { why },
                is_transient: is_transient_status(status),
            });
        };
        let code = error.code.as_str();
        let is_transient =
            is_transient_status(status) || THROTTLING.contains(&code) || TRANSIENT.contains(&code);
        Err(Failure {
            error: AwsError::Refused(Box::new(Refused {
                message: without_signed_request(&error.message),
                code: error.code,
                request_id: error.request_id,
                clock_ahead,
            })),
            is_transient,
        })
    }

    fn signed(&self, message: &Message<'_>) -> Result<HttpRequest, AwsError> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.signing_region)
            .name(self.signing_name)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("every parameter is set");
        let headers = message.headers.iter().copied().chain([USER_AGENT]);
        let body = SignableBody::Bytes(message.body.as_bytes());
        let unusable = |error: &dyn std::error::Error| AwsError::InvalidResponse {
            why: format!("the request cannot be signed: {error}"),
        };
        let signable = SignableRequest::new("POST", self.url.as_str(), headers.clone(), body);
        let signable = signable.map_err(|error| unusable(&error))?;
        let signed = sign(signable, &parameters.into()).map_err(|error| unusable(&error))?;
        let (signed_headers, _) = signed.into_parts().0.into_parts();

        let mut request = HttpRequest::new(message.body.to_owned().into());
        request
            .set_method("POST")
            .map_err(|error| unusable(&error))?;
        request
            .set_uri(self.url.as_str())
            .map_err(|error| unusable(&error))?;
        for (name, value) in headers {
            request.headers_mut().insert(name, value.to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_depends_on_partition_fips_and_dual_stack() {
        // As botocore 1.44.5 resolves them.
        for (service, region, fips, dual_stack, host) in [
            (
                "ec2",
                "eu-west-1",
                false,
                false,
                "ec2.eu-west-1.amazonaws.com",
            ),
            (
                "ec2",
                "eu-west-1",
                true,
                false,
                "ec2-fips.eu-west-1.amazonaws.com",
            ),
            ("ec2", "eu-west-1", false, true, "ec2.eu-west-1.api.aws"),
            (
                "autoscaling",
                "eu-west-1",
                true,
                true,
                "autoscaling-fips.eu-west-1.api.aws",
            ),
            (
                "ec2",
                "cn-north-1",
                false,
                false,
                "ec2.cn-north-1.amazonaws.com.cn",
            ),
            (
                "autoscaling",
                "cn-north-1",
                false,
                true,
                "autoscaling.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                "ec2",
                "us-gov-west-1",
                true,
                false,
                "ec2.us-gov-west-1.amazonaws.com",
            ),
            (
                "ec2",
                "us-gov-west-1",
                true,
                true,
                "ec2-fips.us-gov-west-1.api.aws",
            ),
            (
                "autoscaling",
                "us-iso-east-1",
                true,
                false,
                "autoscaling-fips.us-iso-east-1.c2s.ic.gov",
            ),
            (
                "logs",
                "us-gov-west-1",
                true,
                false,
                "logs.us-gov-west-1.amazonaws.com",
            ),
            (
                "ec2",
                "eusc-de-east-1",
                false,
                false,
                "ec2.eusc-de-east-1.amazonaws.eu",
            ),
        ] {
            let url = regional_url(service, region, fips, dual_stack);
            assert_eq!(url, format!("https://{host}"), "{region}");
        }
    }
}
