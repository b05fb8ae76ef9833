//! A small HTTP/1.1 client for endpoints on this machine: one connection that is kept, one deadline, no proxy.
//!
//! Proxy variables are ignored: the endpoints are link-local or loopback, which no proxy can reach for us.

pub(crate) mod tls;
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

/// How long a connection may take to open: botocore's patience with instance metadata.
/// <https://github.com/boto/botocore/blob/1.44.5/botocore/utils.py> (`DEFAULT_METADATA_SERVICE_TIMEOUT`)
pub(crate) const CONNECTING: Duration = Duration::from_secs(1);

/// More than any answer of these endpoints; what is longer comes from something else.
const LONGEST_BODY: usize = 64 * 1024;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Wiped when dropped: it may hold credentials.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// Whether the server failed, or was asked too often.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self.status, 429 | 500..)
    }

    /// The body as text, without blanks around it; nothing when it is not UTF-8.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default().trim()
    }
}

/// Why nothing came back.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("the connection can't be opened")]
    Connect(#[source] io::Error),
    #[error("the connection did not open in time")]
    ConnectTimedOut,
    #[error("TLS failed")]
    Tls(#[source] io::Error),
    #[error("no answer came in time")]
    TimedOut,
    #[error("the connection broke before the answer was complete")]
    Lost(#[source] hyper::Error),
    #[error("the answer is longer than {LONGEST_BODY} bytes")]
    TooLong,
}

/// A client of one host, with at most one connection.
pub(crate) struct Client {
    url: Url,
    tls: Option<Arc<ClientConfig>>,
    open: Option<SendRequest<Empty<Bytes>>>,
}

impl Client {
    /// A client of this URL's host. `tls` is for an `https` URL.
    pub(crate) fn new(url: Url, tls: Option<Arc<ClientConfig>>) -> Self {
        Self {
            url,
            tls,
            open: None,
        }
    }

    /// Another client of the same host, with a connection of its own.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.url.clone(), self.tls.clone())
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Asks once, over the open connection if there is one. All of it, connecting included, ends by `deadline`.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        deadline: Instant,
    ) -> Result<Answer, Fault> {
        let mut sender = match self.open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect(deadline).await?,
        };
        let request = self.request(method, target, headers);
        let asked = async {
            let response = sender.send_request(request).await.map_err(Fault::Lost)?;
            let status = response.status().as_u16();
            let body = read(response.into_body()).await?;
            Ok(Answer { status, body })
        };
        let answer = timeout_at(deadline, asked)
            .await
            .unwrap_or(Err(Fault::TimedOut))?;
        // Resolves at once when the answer was the connection's last.
        if let Ok(Ok(())) = timeout_at(deadline, sender.ready()).await {
            self.open = Some(sender);
        }
        Ok(answer)
    }

    /// Asks, and after each pause once more, for as long as it fails in a way that `may_pass`.
    pub(crate) async fn insist(
        &mut self,
        method: Method,
        target: &str,
        headers: &HeaderMap,
        pauses: &[Duration],
        may_pass: fn(&Result<Answer, Fault>) -> bool,
        deadline: Instant,
    ) -> Result<Answer, Fault> {
        let mut pauses = pauses.iter();
        loop {
            let asked = self.send(method.clone(), target, headers.clone(), deadline);
            let answered = asked.await;
            let pause = pauses.next().filter(|_| may_pass(&answered));
            let end = pause.map(|pause| Instant::now() + *pause);
            match end.filter(|end| *end < deadline) {
                Some(end) => sleep_until(end).await,
                None => return answered,
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

    async fn connect(&self, deadline: Instant) -> Result<SendRequest<Empty<Bytes>>, Fault> {
        let patience = deadline.min(Instant::now() + CONNECTING);
        let connecting = TcpStream::connect((self.url.host(), self.url.port()));
        let stream = timeout_at(patience, connecting)
            .await
            .map_err(|_| Fault::ConnectTimedOut)?
            .map_err(Fault::Connect)?;
        stream.set_nodelay(true).map_err(Fault::Connect)?;
        let Some(tls) = &self.tls else {
            return converse(stream).await;
        };
        let name = ServerName::try_from(self.url.host().to_owned())
            .map_err(|error| Fault::Tls(io::Error::other(error)))?;
        let shaking = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        let stream = timeout_at(deadline, shaking)
            .await
            .map_err(|_| Fault::TimedOut)?
            .map_err(Fault::Tls)?;
        converse(stream).await
    }
}

/// Starts HTTP on a stream; the runtime drives the connection for as long as it is used.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Empty<Bytes>>, Fault> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(Fault::Lost)?;
    // Its errors reach the sender too.
    drop(tokio::spawn(connection));
    Ok(sender)
}

async fn read(mut body: Incoming) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let announced = body.size_hint().upper();
    let room = announced.and_then(|length| usize::try_from(length).ok());
    // Never grows, so that no copy of a secret is left behind.
    let room = room.unwrap_or(LONGEST_BODY).min(LONGEST_BODY);
    let mut whole = Zeroizing::new(Vec::with_capacity(room));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Fault::Lost)?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > LONGEST_BODY {
            return Err(Fault::TooLong);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}
