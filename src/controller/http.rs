//! A small HTTP server for what few ask: Prometheus, the kubelet, and with TLS the API server.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::stop::Stop;
use crate::edge::Failure;

/// How many are served at once; who comes then waits.
const CONNECTIONS: usize = 128;
/// How long a client may take to open its side of a connection, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what is being answered may take when the process is to end.
const FAREWELL: Duration = Duration::from_secs(3);
/// How soon a listener that failed, for want of file descriptors, is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// What a request is answered with.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Listens on an address, which must be of this machine and free.
pub(crate) async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|error| {
        Failure::usage(format!("cannot listen on {address}"))
            .because(&error)
            .hint(format!("choose another address with {flag} ADDRESS:PORT"))
    })
}

/// Serves until the process is to end; then what was begun is answered. `open` makes of a connection what is read and written: the
/// connection itself, or TLS over it.
pub(crate) async fn serve<S, O, A>(
    listener: TcpListener,
    open: impl Fn(TcpStream) -> O + Clone + Send + 'static,
    answer: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    stop: Stop,
) where
    S: Read + Write + Unpin + Send + 'static,
    O: Future<Output = io::Result<S>> + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    serve_idle(listener, PATIENCE, open, answer, stop).await;
}

/// The same for clients that keep a connection for so long without a request.
pub(crate) async fn serve_idle<S, O, A>(
    listener: TcpListener,
    idle: Duration,
    open: impl Fn(TcpStream) -> O + Clone + Send + 'static,
    answer: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    stop: Stop,
) where
    S: Read + Write + Unpin + Send + 'static,
    O: Future<Output = io::Result<S>> + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let mut served = JoinSet::new();
    loop {
        let seat = tokio::select! {
            biased;
            () = stop.asked() => break,
            seat = Arc::clone(&seats).acquire_owned() => seat,
        };
        let accepted = tokio::select! {
            biased;
            () = stop.asked() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "a connection cannot be accepted");
                sleep(AGAIN).await;
                continue;
            }
        };
        let (open, answer, stop) = (open.clone(), answer.clone(), stop.clone());
        served.spawn(async move {
            let _seat = seat;
            match timeout(PATIENCE, open(stream)).await {
                Ok(Ok(stream)) => connection(stream, idle, answer, stop).await,
                Ok(Err(error)) => debug!(%error, "a connection does not open"),
                Err(_) => debug!("a connection does not open in time"),
            }
        });
        while served.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = timeout(FAREWELL, async {
        while served.join_next().await.is_some() {}
    })
    .await;
}

async fn connection<S, A>(
    stream: S,
    idle: Duration,
    answer: impl Fn(Request<Incoming>) -> A + Send + 'static,
    stop: Stop,
) where
    S: Read + Write + Unpin + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = answer(request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .serve_connection(stream, service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.asked() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}
