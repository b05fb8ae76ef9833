//! A loopback server with scripted responses.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The reply to one request.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    what: What,
    /// Responds with 401 if the session token is missing.
    session: bool,
    /// How often to use this reply before the previous one.
    times: u32,
}

#[derive(Clone, Debug)]
enum What {
    Answer(u16, String, Duration),
    Never,
    Broken,
}

impl Reply {
    fn of(what: What) -> Self {
        Self {
            what,
            session: false,
            times: u32::MAX,
        }
    }

    pub(crate) fn ok(body: &str) -> Self {
        Self::status(200, body)
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::of(What::Answer(status, body.to_owned(), Duration::ZERO))
    }

    /// Responds after a delay.
    pub(crate) fn after(status: u16, body: &str, delay: Duration) -> Self {
        Self::of(What::Answer(status, body.to_owned(), delay))
    }

    /// Reads the request and sends no response.
    pub(crate) fn never() -> Self {
        Self::of(What::Never)
    }

    /// Reads the request and closes the connection.
    pub(crate) fn broken() -> Self {
        Self::of(What::Broken)
    }

    pub(crate) fn with_session(mut self) -> Self {
        self.session = true;
        self
    }

    pub(crate) fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedRequest {
    /// Method and target.
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
}

#[derive(Default)]
struct State {
    replies: BTreeMap<String, Vec<Reply>>,
    asked: Vec<ReceivedRequest>,
    connections: u32,
}

/// A running server. It ends when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Server {
    pub(crate) async fn start<'a>(replies: impl IntoIterator<Item = (&'a str, Reply)>) -> Self {
        Self::start_with(replies, None).await
    }

    pub(crate) async fn start_with<'a>(
        replies: impl IntoIterator<Item = (&'a str, Reply)>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let mut state = State::default();
        for (line, reply) in replies {
            state
                .replies
                .entry(line.to_owned())
                .or_default()
                .push(reply);
        }
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                state.lock().unwrap().connections += 1;
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, state).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, state).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            url,
            state,
            accepting,
        }
    }

    /// Returns the requests in order.
    pub(crate) fn asked(&self) -> Vec<ReceivedRequest> {
        self.state.lock().unwrap().asked.clone()
    }

    /// Returns the methods and targets of the requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    pub(crate) fn connections(&self) -> u32 {
        self.state.lock().unwrap().connections
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, state: Arc<Mutex<State>>) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    // An error is a connection that a reply closes or that the client gave up.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, &'static str> {
    let line = format!("{} {}", request.method(), request.uri());
    let headers: BTreeMap<String, String> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let session = headers.get("x-aws-ec2-metadata-token").map(String::as_str)
        == Some(crate::instance_metadata::SESSION);
    let what = {
        let mut state = state.lock().unwrap();
        state.asked.push(ReceivedRequest {
            line: line.clone(),
            headers,
        });
        let replies = state.replies.get_mut(&line).into_iter().flatten();
        match replies.filter(|reply| reply.times > 0).last() {
            None => What::Answer(404, "404 - Not Found".to_owned(), Duration::ZERO),
            Some(reply) if reply.session && !session => {
                What::Answer(401, "401 - Unauthorized".to_owned(), Duration::ZERO)
            }
            Some(reply) => {
                reply.times -= 1;
                reply.what.clone()
            }
        }
    };
    match what {
        What::Answer(status, body, delay) => {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let response = Response::builder().status(status);
            Ok(response.body(Full::new(body.into())).unwrap())
        }
        What::Never => pending().await,
        What::Broken => Err("broken off"),
    }
}
