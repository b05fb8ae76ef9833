//! A network between client and server that takes its time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Carries connections to a server and delays what is sent in either direction. It listens until the process ends.
pub(crate) struct Delay {
    /// HOST:PORT to connect to.
    pub(crate) address: String,
    connections: Log,
}

/// What went over one connection: when the client began each of its turns to speak. With TLS 1.3 the first turn is
/// the handshake, and with HTTP/1.1 each one after it a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) turns: Vec<Instant>,
    speaker: Option<Speaker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    Client,
    Server,
}

type Log = Arc<Mutex<Vec<Connection>>>;

impl Delay {
    /// Listens on a port of its own for connections to `server`, and adds `round_trip` to each exchange.
    pub(crate) fn start(server: String, round_trip: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let connections = Log::default();
        let log = Arc::clone(&connections);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // A connection that cannot be carried is closed, and the client says so.
                let _ = carry(client, &server, round_trip / 2, &log);
            }
        });
        Ok(Self {
            address,
            connections,
        })
    }

    /// The connections since the last call, in the order they came in.
    pub(crate) fn take(&self) -> Vec<Connection> {
        std::mem::take(
            &mut self
                .connections
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

fn carry(client: TcpStream, server: &str, delay: Duration, log: &Log) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let connection = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(Connection::default());
        log.len() - 1
    };
    for (speaker, from, to) in [
        (Speaker::Client, client.try_clone()?, server.try_clone()?),
        (Speaker::Server, server, client),
    ] {
        let log = Arc::clone(log);
        let heard = move || {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(connection) = log.get_mut(connection) {
                connection.hear(speaker);
            }
        };
        one_way(from, to, delay, heard);
    }
    Ok(())
}

impl Connection {
    fn hear(&mut self, speaker: Speaker) {
        if speaker == Speaker::Client && self.speaker != Some(speaker) {
            self.turns.push(Instant::now());
        }
        self.speaker = Some(speaker);
    }
}

/// Passes on each piece `delay` after it came in; pieces behind it do not wait for it.
fn one_way(
    mut from: TcpStream,
    mut to: TcpStream,
    delay: Duration,
    heard: impl Fn() + Send + 'static,
) {
    let (pieces, arriving) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            heard();
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
