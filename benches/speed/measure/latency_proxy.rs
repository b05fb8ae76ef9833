//! A TCP proxy that simulates network latency.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Forwards connections to a server and delays both directions. Listens until the process ends.
pub(crate) struct LatencyProxy {
    /// The HOST:PORT to connect to.
    pub(crate) address: String,
    connections: Log,
}

/// The times at which the client began to send on one connection. With TLS 1.3, the first one is the handshake; with
/// HTTP/1.1, each one after it is a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) turns: Vec<Instant>,
    sender: Option<Sender>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Client,
    Server,
}

type Log = Arc<Mutex<Vec<Connection>>>;

impl LatencyProxy {
    /// Listens on a free port for connections to `server`, and adds `round_trip` to each request.
    pub(crate) fn start(server: String, round_trip: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let connections = Log::default();
        let log = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // If forwarding fails, the connection closes, and the client reports it.
                let _ = forward(client, &server, round_trip / 2, &log);
            }
        });
        Ok(Self {
            address,
            connections,
        })
    }

    /// Returns the connections since the last call, in the order of their arrival.
    pub(crate) fn take(&self) -> Vec<Connection> {
        std::mem::take(
            &mut self
                .connections
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

fn forward(client: TcpStream, server: &str, delay: Duration, log: &Log) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let connection = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(Connection::default());
        log.len() - 1
    };
    for (sender, from, to) in [
        (Sender::Client, client.try_clone()?, server.try_clone()?),
        (Sender::Server, server, client),
    ] {
        let log = Arc::clone(log);
        let on_data = move || {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(connection) = log.get_mut(connection) {
                connection.record(sender);
            }
        };
        one_way(from, to, delay, on_data);
    }
    Ok(())
}

impl Connection {
    fn record(&mut self, sender: Sender) {
        if sender == Sender::Client && self.sender != Some(sender) {
            self.turns.push(Instant::now());
        }
        self.sender = Some(sender);
    }
}

/// Forwards each chunk `delay` after it arrived, without delaying the chunks after it.
fn one_way(
    mut from: TcpStream,
    mut to: TcpStream,
    delay: Duration,
    on_data: impl Fn() + Send + 'static,
) {
    let (pieces, arriving) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            on_data();
            let piece = (Instant::now() + delay, buffer[..length].to_vec());
            if pieces.send(piece).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in arriving {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
