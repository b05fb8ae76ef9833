//! A proxy to the API server that stops at a given request.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

/// Passes bytes on until the client has had its `last` turn on one of its connections; from then on nothing comes back. It
/// ends with the process.
pub(crate) struct Halt {
    pub(crate) url: String,
    way: Arc<Way>,
}

struct Way {
    last: u32,
    /// Whether what the client says in its last turn still gets through.
    arrives: bool,
    turns: AtomicU32,
    is_over: AtomicBool,
}

impl Halt {
    pub(crate) fn at(server_url: &str, last: u32, arrives: bool) -> Self {
        let server: SocketAddr = server_url.trim_start_matches("https://").parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let way = Arc::new(Way {
            last,
            arrives,
            turns: AtomicU32::new(0),
            is_over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&way);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(server) else {
                    continue;
                };
                for socket in [&near, &far] {
                    socket.set_nodelay(true).unwrap();
                }
                let (back_from, back_to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                let (there, back) = (Arc::clone(&shared), Arc::clone(&shared));
                let answered = Arc::new(AtomicBool::new(true));
                let answers = Arc::clone(&answered);
                thread::spawn(move || there.go(near, far, &answered));
                thread::spawn(move || back.come_back(back_from, back_to, &answers));
            }
        });
        Self { url, way }
    }

    /// Whether the client waits for an answer that will not come.
    pub(crate) fn is_over(&self) -> bool {
        self.way.is_over.load(Ordering::SeqCst)
    }
}

impl Way {
    fn go(&self, mut near: TcpStream, mut far: TcpStream, answered: &AtomicBool) {
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = near.read(&mut buffer) {
            if answered.swap(false, Ordering::SeqCst) {
                self.turns.fetch_add(1, Ordering::SeqCst);
            }
            let turn = self.turns.load(Ordering::SeqCst);
            let gets_through = turn < self.last || (turn == self.last && self.arrives);
            if !gets_through {
                self.is_over.store(true, Ordering::SeqCst);
            } else if far.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    }

    fn come_back(&self, mut far: TcpStream, mut near: TcpStream, answered: &AtomicBool) {
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = far.read(&mut buffer) {
            if self.turns.load(Ordering::SeqCst) >= self.last {
                self.is_over.store(true, Ordering::SeqCst);
                continue;
            }
            answered.store(true, Ordering::SeqCst);
            if near.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    }
}
