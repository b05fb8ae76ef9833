//! A slow proxy to the API server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Passes bytes on, each way, after a delay. It ends with the process.
pub(crate) struct Slow {
    pub(crate) url: String,
    mute: Arc<AtomicBool>,
}

impl Slow {
    pub(crate) fn way_to(server_url: &str, delay: Duration) -> Self {
        let server: SocketAddr = server_url.trim_start_matches("https://").parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let mute = Arc::new(AtomicBool::new(false));
        let is_mute = Arc::clone(&mute);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(server) else {
                    continue;
                };
                for socket in [&near, &far] {
                    socket.set_nodelay(true).unwrap();
                }
                let (back_from, back_to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                thread::spawn(move || pass(near, far, delay, &AtomicBool::new(false)));
                let is_mute = Arc::clone(&is_mute);
                thread::spawn(move || pass(back_from, back_to, delay, &is_mute));
            }
        });
        Self { url, mute }
    }

    /// From now on no answer gets through; requests still do.
    pub(crate) fn swallow_answers(&self) {
        self.mute.store(true, Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration, swallow: &AtomicBool) {
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        thread::sleep(delay);
        if !swallow.load(Ordering::Relaxed) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if !swallow.load(Ordering::Relaxed) {
        let _ = to.shutdown(Shutdown::Write);
    }
}
