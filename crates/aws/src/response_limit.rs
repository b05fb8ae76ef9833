//! Limits the length of responses.

use std::borrow::Cow;
use std::error::Error as _;

use aws_sdk_sts::config::http::{HttpRequest, HttpResponse};
use aws_sdk_sts::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use thiserror::Error;

/// The maximum length of a response. The longest legitimate response is a page of IAM roles with their trust policies, of about 1
/// MiB.
pub(crate) const MAX_RESPONSE: usize = 8 << 20;

/// A response is too long to come from AWS.
#[derive(Debug, Error)]
#[error("{host} sent more than {} MiB", MAX_RESPONSE >> 20)]
struct ResponseTooLong {
    host: String,
}

/// An HTTP client whose connections limit responses.
#[derive(Debug)]
pub(crate) struct LimitedClient(pub(crate) SharedHttpClient);

impl HttpClient for LimitedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector(
            self.0.http_connector(settings, components),
        ))
    }
}

/// A connector that reads whole responses up to [`MAX_RESPONSE`]. It counts bytes as they arrive, because a server can
/// leave out the length. Responses are never decompressed.
#[derive(Debug)]
pub(crate) struct LimitedConnector<C>(pub(crate) C);

impl<C: HttpConnector> HttpConnector for LimitedConnector<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = request.uri().parse::<Uri>().ok();
        let host = host.and_then(|uri| uri.host().map(str::to_owned));
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move { read(response.await?, host).await })
    }
}

async fn read(
    mut response: HttpResponse,
    host: Option<String>,
) -> Result<HttpResponse, ConnectorError> {
    let body = Limited::new(response.take_body(), MAX_RESPONSE);
    let bytes = body.collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let host = host.unwrap_or_else(|| "the server".to_owned());
            return ConnectorError::other(ResponseTooLong { host }.into(), None);
        }
        ConnectorError::io(error)
    })?;
    *response.body_mut() = bytes.to_bytes().into();
    Ok(response)
}

/// Returns the body of a response that a [`LimitedConnector`] has read.
pub(crate) fn text_of(response: &HttpResponse) -> Cow<'_, str> {
    String::from_utf8_lossy(response.body().bytes().unwrap_or_default())
}

/// Returns whether a request failed because the response is too long.
pub(crate) fn is_too_long(error: &ConnectorError) -> bool {
    error
        .source()
        .is_some_and(|source| source.is::<ResponseTooLong>())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::AwsEnvironment;
    use crate::blocking_runtime::BlockingRuntime;
    use crate::client_config::ClientSettings;
    use crate::config_file::ConfigFiles;
    use crate::sts;
    use awsauth_core::token::Credentials;

    /// A server that sends a chunked body until the client closes the connection.
    #[test]
    fn endless_response_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            let chunk = [b"10000\r\n", [b' '; 0x10000].as_slice(), b"\r\n"].concat();
            let mut sent = 0_usize;
            while stream.write_all(&chunk).is_ok() {
                sent += 0x10000;
            }
            drop(listener);
            sent
        });
        let environment = AwsEnvironment::default().with("AWS_ENDPOINT_URL", &url);
        let settings = ClientSettings {
            environment: &environment,
            files: &ConfigFiles::default(),
            profile: None,
        };
        let credentials = Credentials {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: "secret".into(),
            session_token: None,
            expiration: None,
            account_id: None,
        };
        let config = settings.config("STS", "eu-central-1", Some(&credentials));
        let config = config.expect("a client");
        let answer = BlockingRuntime::default().block_on(sts::caller_identity(&config));
        let error = answer.expect("a runtime").expect_err("too long");
        assert_eq!(
            error.to_string(),
            "the response is not from AWS: 127.0.0.1 sent more than 8 MiB"
        );
        let sent = server.join().expect("no panic");
        assert!((MAX_RESPONSE..2 * MAX_RESPONSE).contains(&sent), "{sent}");
    }
}
