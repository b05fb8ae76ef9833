//! A slow proxy to the API server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Forwards bytes in both directions after a delay. Runs until the process ends.
pub(crate) struct SlowProxy {
    pub(crate) url: String,
    drops_responses: Arc<AtomicBool>,
}

impl SlowProxy {
    pub(crate) fn start(server_url: &str, delay: Duration) -> Self {
        let server: SocketAddr = server_url.trim_start_matches("https://").parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let drops_responses = Arc::new(AtomicBool::new(false));
        let drops = Arc::clone(&drops_responses);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(upstream) = TcpStream::connect(server) else {
                    continue;
                };
                for socket in [&client, &upstream] {
                    socket.set_nodelay(true).unwrap();
                }
                let (from_server, to_client) =
                    (upstream.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || forward(client, upstream, delay, &AtomicBool::new(false)));
                let drops = Arc::clone(&drops);
                thread::spawn(move || forward(from_server, to_client, delay, &drops));
            }
        });
        Self {
            url,
            drops_responses,
        }
    }

    /// Drops all later responses. Requests are still forwarded.
    pub(crate) fn drop_responses(&self) {
        self.drops_responses.store(true, Ordering::Relaxed);
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, delay: Duration, drop_bytes: &AtomicBool) {
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        thread::sleep(delay);
        if !drop_bytes.load(Ordering::Relaxed) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if !drop_bytes.load(Ordering::Relaxed) {
        let _ = to.shutdown(Shutdown::Write);
    }
}
