//! Free loopback ports.

use std::net::TcpListener;

/// Below the kernel's ephemeral ports (32768 and up), so that no outgoing connection takes a
/// port while its server restarts.
const RANGE: std::ops::Range<u16> = 18_000..32_000;

/// Returns `N` different ports that are free now. Another process may take one before it is used,
/// so callers retry with other ports.
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
