//! A DNS server that knows one name.

use std::net::UdpSocket;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// It listens until the process ends.
pub(crate) struct Dns {
    /// Of the loopback network, and port 53 on it: resolvers know no other.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

const HEADER: usize = 12;
const TYPE_A: [u8; 4] = [0, 1, 0, 1];

impl Dns {
    /// Says that `name` is 127.0.0.1, and that there is no other.
    ///
    /// # Panics
    /// Without the right to listen on port 53.
    pub(crate) fn start(name: &'static str) -> Self {
        let random = || fastrand::u8(1..=254);
        // Most addresses of 127.0.0.0/8 are nobody's, whoever may listen on the well-known ones.
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

    /// The names it was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The first question of a query: its bytes, and the name in them.
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
    // An answer, recursion as desired; one question, at most one record, nothing else.
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
        // The name of the question, an address, good for no time at all.
        answer.extend([0xc0, 12]);
        answer.extend(TYPE_A);
        answer.extend([0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    answer
}
