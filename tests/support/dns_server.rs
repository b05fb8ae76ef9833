//! A DNS server for a single name.

use std::net::UdpSocket;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A DNS server that runs until the process ends.
pub(crate) struct Dns {
    /// An address of the loopback network. The port is 53, because resolvers use no other.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

const HEADER: usize = 12;
const TYPE_A: [u8; 4] = [0, 1, 0, 1];

impl Dns {
    /// Starts a server that resolves `name` to 127.0.0.1 and no other name.
    ///
    /// # Panics
    /// If the process may not listen on port 53.
    pub(crate) fn start(name: &'static str) -> Self {
        let random = || fastrand::u8(1..=254);
        // Other servers listen only on the well-known addresses of 127.0.0.0/8.
        let address = format!("127.{}.{}.{}", random(), random(), random());
        let socket = UdpSocket::bind((address.as_str(), 53))
            .unwrap_or_else(|error| panic!("cannot listen on {address}, port 53: {error}"));
        let asked = Arc::default();
        let log: Arc<Mutex<Vec<String>>> = Arc::clone(&asked);
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                let Some((question, asked)) = question(&query[..length]) else {
                    continue;
                };
                let answer = answer(&query[..2], question, asked == name);
                log.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(asked);
                let _ = socket.send_to(&answer, from);
            }
        });
        Self { address, asked }
    }

    /// Returns the names of all queries.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Returns the bytes and the name of the first question in a query.
fn question(query: &[u8]) -> Option<(&[u8], String)> {
    let mut labels = Vec::new();
    let mut at = HEADER;
    loop {
        let length = usize::from(*query.get(at)?);
        let label = query.get(at + 1..at + 1 + length)?;
        at += 1 + length;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
    }
    let end = at + TYPE_A.len();
    Some((query.get(HEADER..end)?, labels.join(".")))
}

/// RFC 1035, section 4.1.
fn answer(id: &[u8], question: &[u8], known: bool) -> Vec<u8> {
    let has_address = known && question.ends_with(&TYPE_A);
    let code = if known { 0 } else { 3 };
    let mut answer = id.to_vec();
    // A response with the recursion bit of the query, one question and at most one record.
    answer.extend([
        0x81,
        0x80 | code,
        0,
        1,
        0,
        u8::from(has_address),
        0,
        0,
        0,
        0,
    ]);
    answer.extend(question);
    if has_address {
        // The name of the question, an address, TTL 0.
        answer.extend([0xc0, 12]);
        answer.extend(TYPE_A);
        answer.extend([0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    answer
}
