//! A client of the webhook, and clients that attack it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::net::TcpSocket;
use tokio::runtime;

pub(crate) const PATH: &str = "/admit/aws-auth";
/// The largest body that the webhook reads.
pub(crate) const MAX_BODY: usize = 3 << 20;
/// How long a client waits for the server.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The interval at which slow clients send a byte, and idle clients check their connections.
const SLOW: Duration = Duration::from_millis(200);

/// Connects to a webhook.
#[derive(Clone)]
pub(crate) struct WebhookClient {
    config: Arc<ClientConfig>,
    port: u16,
    /// The address from which it connects; `None` for the default.
    source: Option<Ipv4Addr>,
}

pub(crate) struct Connection(StreamOwned<ClientConnection, TcpStream>);

pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl WebhookClient {
    /// Trusts the CAs in PEM form.
    pub(crate) fn new(port: u16, authorities: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(authorities) {
            let authority = authority.expect("a certificate");
            roots.add(authority).expect("a CA");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("a protocol")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            config: Arc::new(config),
            port,
            source: None,
        }
    }

    /// Returns a client that connects from this loopback address, as another peer.
    pub(crate) fn with_source(&self, source: Ipv4Addr) -> Self {
        Self {
            source: Some(source),
            ..self.clone()
        }
    }

    /// Connects without a TLS handshake.
    pub(crate) fn connect_tcp(&self) -> io::Result<TcpStream> {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = match self.source {
            Some(source) => connect_from(source, server)?,
            None => TcpStream::connect(server)?,
        };
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(stream)
    }

    /// Connects and completes the TLS handshake.
    pub(crate) fn connect(&self) -> io::Result<Connection> {
        let name =
            ServerName::try_from("awsauth-controller.kube-system.svc").map_err(io::Error::other)?;
        let mut tls =
            ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        let mut stream = self.connect_tcp()?;
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)?;
        }
        Ok(Connection(StreamOwned::new(tls, stream)))
    }

    /// Sends a review on this connection, or on a new one if there is none or the server has closed it, as the API server does.
    pub(crate) fn review(
        &self,
        connection: &mut Option<Connection>,
        body: &[u8],
    ) -> io::Result<Response> {
        if let Some(open) = connection
            && let Ok(response) = open.post(body)
        {
            return Ok(response);
        }
        *connection = None;
        let mut new = self.connect()?;
        let response = new.post(body)?;
        *connection = Some(new);
        Ok(response)
    }
}

impl Connection {
    /// Sends a review and returns the response.
    pub(crate) fn post(&mut self, body: &[u8]) -> io::Result<Response> {
        self.send("POST", PATH, "application/json", body)
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> io::Result<Response> {
        // In one write: the server may reject the head alone, and then closes the connection under a body that comes later.
        let request = [&head(method, path, content_type, body.len()), body].concat();
        self.write(&request)?;
        self.response()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.flush()
    }

    /// Reads one response.
    pub(crate) fn response(&mut self) -> io::Result<Response> {
        let invalid = || io::Error::from(io::ErrorKind::InvalidData);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let length = head.split_once("content-length: ").ok_or_else(invalid)?.1;
        let length = length.split_once("\r\n").ok_or_else(invalid)?.0;
        let mut body = vec![0; length.parse().map_err(|_| invalid())?];
        self.0.read_exact(&mut body)?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Ok(Response {
            status: status.ok_or_else(invalid)?,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    /// Returns whether the server has closed it.
    fn is_closed(&self) -> bool {
        is_closed(&self.0.sock)
    }
}

fn connect_from(source: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let connected = runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((source, 0)))?;
        socket.connect(server).await?.into_std()
    })?;
    connected.set_nonblocking(false)?;
    Ok(connected)
}

/// Returns the head of a request.
pub(crate) fn head(method: &str, path: &str, content_type: &str, length: usize) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: awsauth-controller.kube-system.svc\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes()
}

fn is_closed(stream: &TcpStream) -> bool {
    let peeked = stream
        .set_nonblocking(true)
        .and_then(|()| stream.peek(&mut [0]));
    let _ = stream.set_nonblocking(false);
    match peeked {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

/// Clients that attack the webhook until they are dropped.
pub(crate) struct Attack {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    connects: Arc<AtomicUsize>,
}

/// A connection of an attacker.
enum Attacker {
    /// Sends nothing.
    Idle(TcpStream),
    /// Completes the handshake and sends nothing.
    IdleTls(Box<Connection>),
    /// Sends the body of a review byte by byte.
    Slow(Box<Connection>),
    /// Sends the handshake byte by byte.
    SlowHandshake(TcpStream),
}

impl Attack {
    pub(crate) fn new() -> Self {
        Self {
            stop: Arc::default(),
            threads: Vec::new(),
            connects: Arc::default(),
        }
    }

    /// Adds slow and idle connections, each replaced when the server closes it.
    pub(crate) fn hold(&mut self, client: &WebhookClient, slow: usize, idle: usize) {
        const PER_THREAD: usize = 50;
        let count = (slow + idle).div_ceil(PER_THREAD);
        for thread in 0..count {
            let (client, stop) = (client.clone(), Arc::clone(&self.stop));
            let connects = Arc::clone(&self.connects);
            let kinds: Vec<usize> = (thread..slow + idle).step_by(count).collect();
            self.threads.push(spawn(move || {
                let mut open: Vec<Option<Attacker>> = kinds.iter().map(|_| None).collect();
                while !stop.load(Ordering::Relaxed) {
                    for (&number, attacker) in kinds.iter().zip(&mut open) {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        if attacker.as_mut().is_none_or(|attacker| !attacker.go_on()) {
                            connects.fetch_add(1, Ordering::Relaxed);
                            *attacker = Attacker::connect(&client, number, number < slow).ok();
                        }
                    }
                    sleep(SLOW);
                }
            }));
        }
    }

    /// Sends a body again and again, each time in `count` threads concurrently.
    pub(crate) fn flood(&mut self, client: &WebhookClient, count: usize, body: &Arc<[u8]>) {
        for _ in 0..count {
            let (client, stop) = (client.clone(), Arc::clone(&self.stop));
            let body = Arc::clone(body);
            self.threads.push(spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // The server may close the connection before it has read everything.
                    let _ = client.connect().and_then(|mut open| open.post(&body));
                    sleep(SLOW);
                }
            }));
        }
    }

    /// Returns how many connections were opened by [`Self::hold`].
    pub(crate) fn connects(&self) -> usize {
        self.connects.load(Ordering::Relaxed)
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Attacker {
    fn connect(client: &WebhookClient, number: usize, is_slow: bool) -> io::Result<Self> {
        Ok(match (is_slow, number % 2) {
            (false, 0) => Self::Idle(client.connect_tcp()?),
            (false, _) => Self::IdleTls(Box::new(client.connect()?)),
            (true, 0) => {
                let mut stream = client.connect_tcp()?;
                // The start of a TLS record of 512 bytes.
                stream.write_all(&[22, 3, 1, 2, 0, 1])?;
                Self::SlowHandshake(stream)
            }
            (true, _) => {
                let mut connection = client.connect()?;
                connection.write(&head("POST", PATH, "application/json", MAX_BODY))?;
                Self::Slow(Box::new(connection))
            }
        })
    }

    /// Returns whether the connection is still open.
    fn go_on(&mut self) -> bool {
        match self {
            Self::Idle(stream) => !is_closed(stream),
            Self::IdleTls(connection) => !connection.is_closed(),
            Self::Slow(connection) => !connection.is_closed() && connection.write(b" ").is_ok(),
            Self::SlowHandshake(stream) => !is_closed(stream) && stream.write_all(&[0]).is_ok(),
        }
    }
}

/// Returns the peak memory of a process in bytes, on Linux.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes << 10)
}

/// Returns the controller's memory limit in the manifests, in bytes.
pub(crate) fn memory_limit() -> u64 {
    const VALUES: &str = include_str!("../../manifests/chart/values.yaml");
    let limits = VALUES.split_once("  limits:\n").map(|(_, rest)| rest);
    let memory = limits.and_then(|limits| Some(limits.split_once("memory: ")?.1));
    let number = memory.and_then(|memory| Some(memory.split_once("Mi\n")?.0));
    let number: u64 = number.expect("a limit in Mi").parse().expect("a number");
    number << 20
}
