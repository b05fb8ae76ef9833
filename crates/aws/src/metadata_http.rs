//! A small HTTP/1.1 client for metadata and credential endpoints: one connection, one deadline, no proxy.
//!
//! Proxy variables are ignored: most of the endpoints are link-local or loopback, which no proxy can reach for this machine.

mod url;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderMap, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::zeroize::Zeroizing;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_rustls::TlsConnector;

pub(crate) use url::Url;

/// The time limit for opening a connection: botocore's timeout for instance metadata.
/// <https://github.com/boto/botocore/blob/1.44.5/botocore/utils.py> (`DEFAULT_METADATA_SERVICE_TIMEOUT`)
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Larger than any response of these endpoints. A longer body comes from another server.
const MAX_BODY: usize = 64 * 1024;

/// The header `Server` of the metadata service of EC2. The container endpoints and other clouds send another one.
const EC2_SERVER: &[u8] = b"EC2ws";

/// A response.
pub(crate) struct Answer {
    pub status: u16,
    /// Whether the header `Server` is that of the metadata service of EC2.
    pub is_of_ec2: bool,
    /// Wiped when dropped, because it may contain credentials.
    pub body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// Whether the server failed, or throttled the request.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self.status, 429 | 500..)
    }

    /// Returns the trimmed body; empty if it is not UTF-8.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default().trim()
    }
}

/// Why no response arrived.
#[derive(Debug, Error)]
pub(crate) enum HttpError {
    #[error("the connection cannot be opened")]
    Connect(#[source] io::Error),
    #[error("the connection did not open in time")]
    ConnectTimedOut,
    #[error("TLS failed")]
    Tls(#[source] io::Error),
    #[error("no response arrived in time")]
    TimedOut,
    #[error("the connection was lost before the response was complete")]
    Lost(#[source] hyper::Error),
    #[error("the response is longer than {MAX_BODY} bytes")]
    TooLong,
}

/// A client for one host, with at most one connection.
pub(crate) struct Client {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
    open: Option<SendRequest<Empty<Bytes>>>,
}

impl Client {
    /// Creates a client for this URL's host. `tls` is for `https` URLs.
    pub(crate) fn new(url: Url, tls: Option<Arc<ClientConfig>>) -> Self {
        Self {
            url,
            tls,
            open: None,
        }
    }

    /// Returns a client for the same host with its own connection.
    pub(crate) fn new_connection(&self) -> Self {
        Self::new(self.url.clone(), self.tls.clone())
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Sends a request once, on the open connection if there is one. `deadline` includes the time to connect.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        deadline: Instant,
    ) -> Result<Answer, HttpError> {
        let mut sender = match self.open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect(deadline).await?,
        };
        let request = self.request(method, target, headers);
        let exchange = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(HttpError::Lost)?;
            let status = response.status().as_u16();
            let server = response.headers().get(http::header::SERVER);
            let is_of_ec2 = server.is_some_and(|server| server.as_bytes() == EC2_SERVER);
            let body = read(response.into_body()).await?;
            Ok(Answer {
                status,
                is_of_ec2,
                body,
            })
        };
        let answer = timeout_at(deadline, exchange)
            .await
            .unwrap_or(Err(HttpError::TimedOut))?;
        // Returns immediately if the server closed the connection.
        if let Ok(Ok(())) = timeout_at(deadline, sender.ready()).await {
            self.open = Some(sender);
        }
        Ok(answer)
    }

    /// Sends a request, and repeats it after each delay while `may_pass` classifies the result as transient.
    pub(crate) async fn send_with_retries(
        &mut self,
        method: Method,
        target: &str,
        headers: &HeaderMap,
        delays: &[Duration],
        may_pass: fn(&Result<Answer, HttpError>) -> bool,
        deadline: Instant,
    ) -> Result<Answer, HttpError> {
        let mut delays = delays.iter();
        loop {
            let exchange = self.send(method.clone(), target, headers.clone(), deadline);
            let result = exchange.await;
            let delay = delays.next().filter(|_| may_pass(&result));
            let end = delay.map(|delay| Instant::now() + *delay);
            match end.filter(|end| *end < deadline) {
                Some(end) => sleep_until(end).await,
                None => return result,
            }
        }
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        mut headers: HeaderMap,
    ) -> Request<Empty<Bytes>> {
        let agent = concat!("awsauth/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.insert(HOST, self.url.authority());
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        *request.uri_mut() = self.url.target(target);
        *request.headers_mut() = headers;
        request
    }

    async fn connect(&self, deadline: Instant) -> Result<SendRequest<Empty<Bytes>>, HttpError> {
        let limit = deadline.min(Instant::now() + CONNECT_TIMEOUT);
        let connecting = TcpStream::connect((self.url.host(), self.url.port()));
        let stream = timeout_at(limit, connecting)
            .await
            .map_err(|_| HttpError::ConnectTimedOut)?
            .map_err(HttpError::Connect)?;
        stream.set_nodelay(true).map_err(HttpError::Connect)?;
        let Some(tls) = &self.tls else {
            return handshake(stream).await;
        };
        let name = ServerName::try_from(self.url.host().to_owned())
            .map_err(|error| HttpError::Tls(io::Error::other(error)))?;
        let shaking = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        let stream = timeout_at(deadline, shaking)
            .await
            .map_err(|_| HttpError::TimedOut)?
            .map_err(HttpError::Tls)?;
        handshake(stream).await
    }
}

/// Starts HTTP on a stream. A task of the runtime drives the connection.
async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Empty<Bytes>>, HttpError> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(HttpError::Lost)?;
    // Its errors also reach the sender.
    drop(tokio::spawn(connection));
    Ok(sender)
}

async fn read(mut body: Incoming) -> Result<Zeroizing<Vec<u8>>, HttpError> {
    let announced = body.size_hint().upper();
    let room = announced.and_then(|length| usize::try_from(length).ok());
    // Never grows: reallocation would leave copies of the secrets in memory.
    let room = room.unwrap_or(MAX_BODY).min(MAX_BODY);
    let mut whole = Zeroizing::new(Vec::with_capacity(room));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(HttpError::Lost)?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > MAX_BODY {
            return Err(HttpError::TooLong);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}
