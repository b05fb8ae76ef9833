//! Limits concurrent connections. When the limit is reached, a new connection replaces an idle one of the peer with the most
//! connections.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::debug;

/// A connection is not replaced before it has been idle for this long: its client needs time to send a request.
const MIN_IDLE: Duration = Duration::from_millis(100);

/// The open connections, at most `max`.
pub(super) struct ConnectionLimit {
    max: usize,
    tasks: JoinSet<()>,
    open: Vec<Connection>,
    /// Notified when a connection becomes idle.
    became_idle: Arc<Notify>,
}

struct Connection {
    peer: IpAddr,
    task: AbortHandle,
    timer: IdleTimer,
}

/// The state of a connection.
#[derive(Clone)]
pub(crate) struct IdleTimer {
    state: Arc<Mutex<ConnectionState>>,
    became_idle: Arc<Notify>,
}

struct ConnectionState {
    /// When the connection was accepted, or the last response was sent: since then, no complete request has arrived. A client that
    /// sends slowly has been idle for as long as it sends. `None` while the request is answered.
    idle_since: Option<Instant>,
    /// Whether it has sent a complete request, as the API server has and most attackers have not.
    has_sent: bool,
}

/// Marks a connection as busy until dropped.
pub(crate) struct ActiveRequest(IdleTimer);

impl ConnectionLimit {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            tasks: JoinSet::new(),
            open: Vec::new(),
            became_idle: Arc::default(),
        }
    }

    /// Serves a connection in its own task.
    pub(super) fn spawn<F>(&mut self, peer: IpAddr, serve: impl FnOnce(IdleTimer) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let state = ConnectionState {
            idle_since: Some(Instant::now()),
            has_sent: false,
        };
        let timer = IdleTimer {
            state: Arc::new(Mutex::new(state)),
            became_idle: Arc::clone(&self.became_idle),
        };
        let task = self.tasks.spawn(serve(timer.clone()));
        self.open.push(Connection { peer, task, timer });
    }

    /// Completes once a connection can be accepted. If the limit is reached, closes an idle connection of the peer with the most
    /// connections, preferring those that have never sent a complete request, then the one that has been idle longest. Never interrupts
    /// a complete request.
    pub(super) async fn wait_for_capacity(&mut self) {
        loop {
            while self.tasks.try_join_next().is_some() {}
            self.open
                .retain(|connection| !connection.task.is_finished());
            if self.open.len() < self.max {
                return;
            }
            let now = Instant::now();
            let mut of_peer: HashMap<IpAddr, usize> = HashMap::new();
            for connection in &self.open {
                *of_peer.entry(connection.peer).or_default() += 1;
            }
            let idle = |connection: &Connection| {
                let (has_sent, since) = connection.idle()?;
                let rank = (Reverse(of_peer[&connection.peer]), has_sent, since);
                Some((rank, connection.task.clone()))
            };
            let mut idle: Vec<_> = self.open.iter().filter_map(idle).collect();
            let oldest = idle.iter().map(|((.., since), _)| *since).min();
            idle.retain(|((.., since), _)| *since + MIN_IDLE <= now);
            if let Some((_, task)) = idle.iter().min_by_key(|(rank, _)| *rank) {
                debug!("closing an idle connection: the connection limit is reached");
                task.abort();
                self.tasks.join_next().await;
                continue;
            }
            let is_idle_enough = async {
                match oldest {
                    Some(since) => sleep_until(since + MIN_IDLE).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.tasks.join_next() => {}
                () = self.became_idle.notified() => {}
                () = is_idle_enough => {}
            }
        }
    }

    /// Completes once all connections are closed.
    pub(super) async fn all_closed(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Connection {
    /// Returns whether it has sent a complete request, and since when it has been idle; `None` if it is busy.
    fn idle(&self) -> Option<(bool, Instant)> {
        let state = self.timer.state();
        Some((state.has_sent, state.idle_since?))
    }
}

impl IdleTimer {
    /// Marks the connection as busy until the returned value is dropped. Call this once the request has been read, including its
    /// body.
    pub(crate) fn start_request(&self) -> ActiveRequest {
        *self.state() = ConnectionState {
            idle_since: None,
            has_sent: true,
        };
        ActiveRequest(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.state().idle_since = Some(Instant::now());
        self.0.became_idle.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn connection_of_the_peer_with_most_connections_is_closed() {
        let peer = |last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
        let mut connections = ConnectionLimit::new(3);
        for of in [1, 2, 2] {
            connections.spawn(peer(of), |timer| async move {
                let _timer = timer;
                pending().await
            });
        }
        tokio::time::sleep(MIN_IDLE).await;
        connections.wait_for_capacity().await;
        let open: Vec<_> = connections.open.iter().map(|open| open.peer).collect();
        assert_eq!(open, [peer(1), peer(2)]);
    }
}
