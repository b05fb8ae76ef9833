//! Free loopback ports.

use std::net::TcpListener;

/// Below what kernels hand out by themselves (32768 and up), so that no outgoing connection takes a
/// port while its server is being restarted.
const RANGE: std::ops::Range<u16> = 18_000..32_000;

/// `N` different ports that were free a moment ago. Another process may take one before it is used:
/// callers try again with others.
pub(crate) fn free<const N: usize>() -> [u16; N] {
    let mut held: Vec<TcpListener> = Vec::with_capacity(N);
    while held.len() < N {
        held.extend(TcpListener::bind(("127.0.0.1", fastrand::u16(RANGE))));
    }
    std::array::from_fn(|i| {
        held[i]
            .local_addr()
            .expect("a bound listener has an address")
            .port()
    })
}
