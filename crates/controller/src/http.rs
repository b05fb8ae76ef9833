//! A small HTTP server for Prometheus, the kubelet and, with TLS, the API server.
//!
//! The API server keeps idle connections open for longer than it waits for a response. An idle timeout alone therefore cannot
//! keep idle connections from using up the limit: when it is reached, the connection that has been idle longest is closed.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connection_limit::{Quiet, Seats};
use super::shutdown::Stop;
use crate::StartError;

/// The time limit for the TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long requests in progress may take during shutdown.
const FAREWELL: Duration = Duration::from_secs(3);
/// The delay before a listener that failed, for lack of file descriptors, is retried.
const AGAIN: Duration = Duration::from_millis(100);

/// What a request is answered with.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Listens on an address, which must be of this machine and free.
pub(crate) async fn listen(
    address: SocketAddr,
    flag: &'static str,
) -> Result<TcpListener, StartError> {
    let listening = TcpListener::bind(address).await;
    listening.map_err(|source| StartError::Listen {
        address,
        flag,
        source,
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

/// The same for clients that keep a connection for so long without a request. Where seats are wanted, it ends sooner.
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
    let mut seats = Seats::default();
    loop {
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
        tokio::select! {
            biased;
            () = stop.asked() => break,
            () = seats.make_room() => {}
        }
        let (open, answer, stop) = (open.clone(), answer.clone(), stop.clone());
        seats.take(|quiet| async move {
            match timeout(PATIENCE, open(stream)).await {
                Ok(Ok(stream)) => connection(stream, idle, answer, quiet, stop).await,
                Ok(Err(error)) => debug!(%error, "a connection does not open"),
                Err(_) => debug!("a connection does not open in time"),
            }
        });
    }
    drop(listener);
    let _ = timeout(FAREWELL, seats.empty()).await;
}

async fn connection<S, A>(
    stream: S,
    idle: Duration,
    answer: impl Fn(Request<Incoming>) -> A + Send + 'static,
    quiet: Quiet,
    stop: Stop,
) where
    S: Read + Write + Unpin + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answering = quiet.answers();
        let answered = answer(request);
        async move {
            let answer = answered.await;
            drop(answering);
            Ok::<_, Infallible>(answer)
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::super::connection_limit::SEATS;
    use super::super::health::plain;
    use super::super::shutdown::Stopper;
    use super::*;

    /// Longer than any test.
    const LONG: Duration = Duration::from_secs(3600);

    struct Server {
        address: SocketAddr,
        /// A request for `/held` was read.
        held: Arc<Notify>,
        /// It is answered when this is told.
        release: Arc<Notify>,
        _stopper: Stopper,
        _serving: JoinHandle<()>,
    }

    impl Server {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (held, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let (told, awaited) = (Arc::clone(&held), Arc::clone(&release));
            let answer = move |request: Request<Incoming>| {
                let (told, awaited) = (Arc::clone(&told), Arc::clone(&awaited));
                async move {
                    if request.uri().path() == "/held" {
                        told.notify_one();
                        awaited.notified().await;
                    }
                    plain(http::StatusCode::OK, "fine\n".to_owned())
                }
            };
            let open = async |stream: TcpStream| Ok(TokioIo::new(stream));
            let (stopper, stop) = Stop::new();
            Self {
                address,
                held,
                release,
                _stopper: stopper,
                _serving: tokio::spawn(serve_idle(listener, LONG, open, answer, stop)),
            }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        /// Connections with all the seats but so many; on one the head of a request has begun, and on another one was answered.
        async fn idle(&self, but: usize) -> Vec<TcpStream> {
            let mut idle = Vec::new();
            for _ in but..SEATS {
                idle.push(self.connect().await);
            }
            send(&mut idle[0], "GET / HTTP/1.1\r\nhost: ").await;
            ask(&mut idle[1], "/").await;
            answered(&mut idle[1]).await;
            idle
        }
    }

    async fn send(stream: &mut TcpStream, text: &str) {
        stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        send(stream, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    }

    /// An answer comes long before any connection ends by itself.
    async fn answered(stream: &mut TcpStream) {
        let mut text = String::new();
        while !text.ends_with("fine\n") {
            let mut bytes = [0; 1024];
            let read = timeout(LONG / 60, stream.read(&mut bytes)).await;
            let read = read.expect("no answer").unwrap();
            assert_ne!(read, 0, "it ends after {text:?}");
            text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }

    #[tokio::test]
    async fn idle_connections_keep_nobody_out() {
        let server = Server::start().await;
        let _idle = server.idle(0).await;
        for _ in 0..3 {
            let mut new = server.connect().await;
            ask(&mut new, "/").await;
            answered(&mut new).await;
        }
    }

    #[tokio::test]
    async fn what_is_being_answered_is_not_cut_off() {
        let server = Server::start().await;
        let mut first = server.connect().await;
        ask(&mut first, "/held").await;
        server.held.notified().await;
        let _idle = server.idle(1).await;
        // So many that every other one has given way.
        for _ in 0..SEATS {
            let mut new = server.connect().await;
            ask(&mut new, "/").await;
            answered(&mut new).await;
        }
        server.release.notify_one();
        answered(&mut first).await;
    }
}
