//! A proxy to the API server that stops at a given request.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

/// Forwards bytes until the client starts its request number `last`. From then on, the client gets no response. Runs
/// until the process ends.
pub(crate) struct HaltingProxy {
    pub(crate) url: String,
    state: Arc<State>,
}

struct State {
    last: u32,
    /// Whether the last request still reaches the server.
    is_last_delivered: bool,
    requests: AtomicU32,
    is_halted: AtomicBool,
}

impl HaltingProxy {
    pub(crate) fn start(server_url: &str, last: u32, is_last_delivered: bool) -> Self {
        let server: SocketAddr = server_url.trim_start_matches("https://").parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            last,
            is_last_delivered,
            requests: AtomicU32::new(0),
            is_halted: AtomicBool::new(false),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server_side) = TcpStream::connect(server) else {
                    continue;
                };
                for socket in [&client, &server_side] {
                    socket.set_nodelay(true).unwrap();
                }
                let (from_server, to_client) = (
                    server_side.try_clone().unwrap(),
                    client.try_clone().unwrap(),
                );
                let (requests_state, responses_state) = (Arc::clone(&shared), Arc::clone(&shared));
                let is_answered = Arc::new(AtomicBool::new(true));
                let answered_flag = Arc::clone(&is_answered);
                thread::spawn(move || {
                    requests_state.forward_requests(client, server_side, &is_answered)
                });
                thread::spawn(move || {
                    responses_state.forward_responses(from_server, to_client, &answered_flag)
                });
            }
        });
        Self { url, state }
    }

    /// Whether the client is waiting for a response that it will not get.
    pub(crate) fn is_halted(&self) -> bool {
        self.state.is_halted.load(Ordering::SeqCst)
    }
}

impl State {
    fn forward_requests(
        &self,
        mut client: TcpStream,
        mut server_side: TcpStream,
        is_answered: &AtomicBool,
    ) {
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = client.read(&mut buffer) {
            if is_answered.swap(false, Ordering::SeqCst) {
                self.requests.fetch_add(1, Ordering::SeqCst);
            }
            let request = self.requests.load(Ordering::SeqCst);
            let gets_through =
                request < self.last || (request == self.last && self.is_last_delivered);
            if !gets_through {
                self.is_halted.store(true, Ordering::SeqCst);
            } else if server_side.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    }

    fn forward_responses(
        &self,
        mut server_side: TcpStream,
        mut client: TcpStream,
        is_answered: &AtomicBool,
    ) {
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = server_side.read(&mut buffer) {
            if self.requests.load(Ordering::SeqCst) >= self.last {
                self.is_halted.store(true, Ordering::SeqCst);
                continue;
            }
            is_answered.store(true, Ordering::SeqCst);
            if client.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    }
}
