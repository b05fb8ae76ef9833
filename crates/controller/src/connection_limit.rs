//! Limits concurrent connections; closes the longest-idle connection when full.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tracing::debug;

/// The maximum number of concurrent connections.
pub(super) const MAX_CONNECTIONS: usize = 128;

/// The open connections, at most [`MAX_CONNECTIONS`].
#[derive(Default)]
pub(super) struct ConnectionLimit {
    tasks: JoinSet<()>,
    open: Vec<Connection>,
    /// Notified when a connection becomes idle.
    became_idle: Arc<Notify>,
}

struct Connection {
    task: AbortHandle,
    idle: IdleTimer,
}

/// Since when a connection has been idle.
#[derive(Clone)]
pub(super) struct IdleTimer {
    since: Arc<Mutex<Option<Instant>>>,
    became_idle: Arc<Notify>,
}

/// Marks a connection as busy until dropped.
pub(super) struct ActiveRequest(IdleTimer);

impl ConnectionLimit {
    /// Serves a connection in its own task.
    pub(super) fn spawn<F>(&mut self, serve: impl FnOnce(IdleTimer) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let idle = IdleTimer {
            since: Arc::new(Mutex::new(Some(Instant::now()))),
            became_idle: Arc::clone(&self.became_idle),
        };
        let task = self.tasks.spawn(serve(idle.clone()));
        self.open.push(Connection { task, idle });
    }

    /// Completes once a connection can be accepted: closes the longest-idle connection if the limit is reached. Never interrupts a request.
    pub(super) async fn wait_for_capacity(&mut self) {
        loop {
            while self.tasks.try_join_next().is_some() {}
            self.open
                .retain(|connection| !connection.task.is_finished());
            if self.open.len() < MAX_CONNECTIONS {
                return;
            }
            if let Some(longest_idle) = self.longest_idle() {
                debug!("closing the longest-idle connection: the connection limit is reached");
                longest_idle.abort();
                self.tasks.join_next().await;
            } else {
                tokio::select! {
                    _ = self.tasks.join_next() => {}
                    () = self.became_idle.notified() => {}
                }
            }
        }
    }

    /// Completes once all connections are closed.
    pub(super) async fn all_closed(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    fn longest_idle(&self) -> Option<&AbortHandle> {
        let idle = self.open.iter().filter_map(|connection| {
            let since = *connection.idle.since();
            Some((since?, &connection.task))
        });
        idle.min_by_key(|(since, _)| *since).map(|(_, task)| task)
    }
}

impl IdleTimer {
    /// Marks the connection as busy until the returned value is dropped.
    pub(super) fn start_request(&self) -> ActiveRequest {
        *self.since() = None;
        ActiveRequest(self.clone())
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        *self.0.since() = Some(Instant::now());
        self.0.became_idle.notify_one();
    }
}
