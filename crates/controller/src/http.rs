//! A small HTTP server for Prometheus, the kubelet and, with TLS, the API server.
//!
//! The API server keeps idle connections open for longer than it waits for a response. An idle timeout alone therefore cannot
//! keep idle connections from using up the limit: when it is reached, an idle connection is closed.

mod connection_limit;
mod write_timeout;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
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

pub(crate) use connection_limit::IdleTimer;

use super::shutdown::Shutdown;
use crate::StartError;
use connection_limit::ConnectionLimit;
use write_timeout::WriteTimeout;

/// The time limit for the TLS handshake, and for the head of a request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of concurrent connections of health checks and metrics.
const MAX_CONNECTIONS: usize = 128;
/// The buffer of a connection, which limits the size of a request's head.
const MAX_BUFFER: usize = 32 << 10;
/// How long a client may take to read a response that does not fit into the buffers of its connection.
pub(crate) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests in progress may take during shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);
/// The delay after a connection could not be accepted, for example for lack of file descriptors.
const RETRY_DELAY: Duration = Duration::from_millis(100);

pub(crate) type HttpResponse = Response<Full<Bytes>>;

/// Listens on an address.
pub(crate) async fn bind(
    address: SocketAddr,
    flag: &'static str,
) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| StartError::Listen {
        address,
        flag,
        source,
    })
}

/// Serves until shutdown, and completes requests in progress. `open` turns an accepted connection into a stream, such as one with TLS.
pub(crate) async fn serve<S, O, A>(
    listener: TcpListener,
    open: impl Fn(TcpStream) -> O + Clone + Send + 'static,
    respond: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    shutdown: Shutdown,
) where
    S: Read + Write + Unpin + Send + 'static,
    O: Future<Output = io::Result<S>> + Send + 'static,
    A: Future<Output = HttpResponse> + Send + 'static,
{
    let limits = Limits {
        connections: MAX_CONNECTIONS,
        idle_timeout: TIMEOUT,
        write_timeout: WRITE_TIMEOUT,
    };
    // These requests have no body.
    let respond = move |request, _, timer: IdleTimer| {
        let active = timer.start_request();
        let response = respond(request);
        async move {
            let response = response.await;
            drop(active);
            response
        }
    };
    serve_with(limits, listener, open, respond, shutdown).await;
}

/// The limits of a server.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The maximum number of concurrent connections.
    pub(crate) connections: usize,
    /// The idle timeout. Idle connections are closed earlier when the connection limit is reached.
    pub(crate) idle_timeout: Duration,
    /// How long a response may wait in memory for its client to read it.
    pub(crate) write_timeout: Duration,
}

/// Does the same with other limits. `respond` gets the address of the peer, and starts the request once it has read the body.
pub(crate) async fn serve_with<S, O, A>(
    limits: Limits,
    listener: TcpListener,
    open: impl Fn(TcpStream) -> O + Clone + Send + 'static,
    respond: impl Fn(Request<Incoming>, IpAddr, IdleTimer) -> A + Clone + Send + 'static,
    shutdown: Shutdown,
) where
    S: Read + Write + Unpin + Send + 'static,
    O: Future<Output = io::Result<S>> + Send + 'static,
    A: Future<Output = HttpResponse> + Send + 'static,
{
    let mut connections = ConnectionLimit::new(limits.connections);
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.requested() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok((stream, address)) => (stream, address.ip().to_canonical()),
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(RETRY_DELAY).await;
                continue;
            }
        };
        tokio::select! {
            biased;
            () = shutdown.requested() => break,
            () = connections.wait_for_capacity() => {}
        }
        let (open, respond, shutdown) = (open.clone(), respond.clone(), shutdown.clone());
        let respond = move |request, timer| respond(request, peer, timer);
        connections.spawn(peer, |idle_timer| async move {
            match timeout(TIMEOUT, open(stream)).await {
                Ok(Ok(stream)) => {
                    connection(stream, limits, respond, idle_timer, shutdown).await;
                }
                Ok(Err(error)) => debug!(%error, "cannot open a connection"),
                Err(_) => debug!("a connection was not opened in time"),
            }
        });
    }
    drop(listener);
    let _ = timeout(SHUTDOWN_TIMEOUT, connections.all_closed()).await;
}

async fn connection<S, A>(
    stream: S,
    limits: Limits,
    respond: impl Fn(Request<Incoming>, IdleTimer) -> A + Send + 'static,
    idle_timer: IdleTimer,
    shutdown: Shutdown,
) where
    S: Read + Write + Unpin + Send + 'static,
    A: Future<Output = HttpResponse> + Send + 'static,
{
    let service = service_fn(move |request| {
        let response = respond(request, idle_timer.clone());
        async move { Ok::<_, Infallible>(response.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(WriteTimeout::new(stream, limits.write_timeout), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.requested() => {
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

    use http_body_util::BodyExt;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::super::health::plain_text;
    use super::super::shutdown::ShutdownTrigger;
    use super::*;

    /// Longer than any test.
    const LONG: Duration = Duration::from_secs(3600);
    /// The size of a response that does not fit into the buffers of sockets.
    const LARGE: usize = 32 << 20;

    struct Server {
        address: SocketAddr,
        /// Notified when a request for `/held` is received.
        held: Arc<Notify>,
        /// Notify this to respond to that request.
        release: Arc<Notify>,
        _trigger: ShutdownTrigger,
        _serving: JoinHandle<()>,
    }

    impl Server {
        async fn start() -> Self {
            Self::start_with(LONG).await
        }

        async fn start_with(write_timeout: Duration) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (held, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let (notify_held, released) = (Arc::clone(&held), Arc::clone(&release));
            let respond = move |request: Request<Incoming>, _, timer: IdleTimer| {
                let (notify_held, released) = (Arc::clone(&notify_held), Arc::clone(&released));
                async move {
                    if request.uri().path() == "/large" {
                        let text = "a".repeat(LARGE);
                        return plain_text(http::StatusCode::OK, text);
                    }
                    if request.uri().path() == "/slow" {
                        let _ = request.into_body().collect().await;
                        return plain_text(http::StatusCode::OK, "late\n".to_owned());
                    }
                    let _active = timer.start_request();
                    if request.uri().path() == "/held" {
                        notify_held.notify_one();
                        released.notified().await;
                    }
                    plain_text(http::StatusCode::OK, "fine\n".to_owned())
                }
            };
            let open = async |stream: TcpStream| Ok(TokioIo::new(stream));
            let (trigger, shutdown) = Shutdown::new();
            let limits = Limits {
                connections: MAX_CONNECTIONS,
                idle_timeout: LONG,
                write_timeout,
            };
            Self {
                address,
                held,
                release,
                _trigger: trigger,
                _serving: tokio::spawn(serve_with(limits, listener, open, respond, shutdown)),
            }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        /// Opens idle connections up to the limit, except `free`. One has sent half of a request's head, another has made one request.
        async fn fill(&self, free: usize) -> Vec<TcpStream> {
            let mut idle = Vec::new();
            for _ in free..MAX_CONNECTIONS {
                idle.push(self.connect().await);
            }
            send(&mut idle[0], "GET / HTTP/1.1\r\nhost: ").await;
            request(&mut idle[1], "/").await;
            receive(&mut idle[1]).await;
            idle
        }
    }

    async fn send(stream: &mut TcpStream, text: &str) {
        stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn request(stream: &mut TcpStream, path: &str) {
        send(stream, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    }

    /// Receives a response; fails long before any connection times out.
    async fn receive(stream: &mut TcpStream) {
        let mut text = String::new();
        while !text.ends_with("fine\n") {
            let mut bytes = [0; 1024];
            let read = timeout(LONG / 60, stream.read(&mut bytes)).await;
            let read = read.expect("no response").unwrap();
            assert_ne!(read, 0, "closed after {text:?}");
            text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }

    #[tokio::test]
    async fn client_that_does_not_read_a_response_loses_its_connection() {
        for reads_some in [false, true] {
            let server = Server::start_with(Duration::from_millis(300)).await;
            let mut client = server.connect().await;
            request(&mut client, "/large").await;
            let mut received = 0;
            for _ in 0..20 {
                sleep(Duration::from_millis(50)).await;
                if reads_some {
                    received += client.read(&mut [0; 1024]).await.unwrap_or_default();
                }
            }
            let mut rest = Vec::new();
            let ended = timeout(Duration::from_secs(20), client.read_to_end(&mut rest)).await;
            assert!(ended.is_ok(), "the connection is still open");
            received += rest.len();
            assert!(received < LARGE, "{received}");
        }
    }

    #[tokio::test]
    async fn idle_connections_do_not_block_new_ones() {
        let server = Server::start().await;
        let _idle = server.fill(0).await;
        for _ in 0..3 {
            let mut new = server.connect().await;
            request(&mut new, "/").await;
            receive(&mut new).await;
        }
    }

    #[tokio::test]
    async fn slow_senders_do_not_block_new_connections() {
        let server = Server::start().await;
        let mut slow = Vec::new();
        for _ in 0..2 * MAX_CONNECTIONS {
            let mut stream = server.connect().await;
            send(
                &mut stream,
                "POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na",
            )
            .await;
            slow.push(stream);
        }
        let mut new = server.connect().await;
        request(&mut new, "/").await;
        receive(&mut new).await;
        // A client that has sent a request keeps its connection while there are others that have not.
        sleep(Duration::from_millis(200)).await;
        for stream in slow.iter_mut().take(MAX_CONNECTIONS / 2) {
            *stream = server.connect().await;
        }
        sleep(Duration::from_millis(50)).await;
        request(&mut new, "/").await;
        receive(&mut new).await;
    }

    #[tokio::test]
    async fn connection_limit_does_not_interrupt_requests() {
        let server = Server::start().await;
        let mut first = server.connect().await;
        request(&mut first, "/held").await;
        server.held.notified().await;
        let _idle = server.fill(1).await;
        // Enough that every other connection is closed.
        for _ in 0..MAX_CONNECTIONS {
            let mut new = server.connect().await;
            request(&mut new, "/").await;
            receive(&mut new).await;
        }
        server.release.notify_one();
        receive(&mut first).await;
    }
}
