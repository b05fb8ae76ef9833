//! Limits concurrent connections; closes the longest-idle connection when full.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use tracing::debug;

/// The maximum number of concurrent connections.
pub(super) const SEATS: usize = 128;

/// The open connections.
#[derive(Default)]
pub(super) struct Seats {
    served: JoinSet<()>,
    taken: Vec<Seat>,
    /// Notified when a connection becomes idle.
    calm: Arc<Notify>,
}

struct Seat {
    task: AbortHandle,
    quiet: Quiet,
}

/// Since when a connection has been idle.
#[derive(Clone)]
pub(super) struct Quiet {
    since: Arc<Mutex<Option<Instant>>>,
    calm: Arc<Notify>,
}

/// Marks a request as in progress until dropped.
pub(super) struct Answering(Quiet);

impl Seats {
    /// Serves a connection in its own task.
    pub(super) fn take<F>(&mut self, serve: impl FnOnce(Quiet) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let quiet = Quiet {
            since: Arc::new(Mutex::new(Some(Instant::now()))),
            calm: Arc::clone(&self.calm),
        };
        let task = self.served.spawn(serve(quiet.clone()));
        self.taken.push(Seat { task, quiet });
    }

    /// Completes once a connection can be accepted: closes the longest-idle connection if the limit is reached. Never interrupts a request.
    pub(super) async fn make_room(&mut self) {
        loop {
            while self.served.try_join_next().is_some() {}
            self.taken.retain(|seat| !seat.task.is_finished());
            if self.taken.len() < SEATS {
                return;
            }
            if let Some(quietest) = self.quietest() {
                debug!("closing the longest-idle connection: the connection limit is reached");
                quietest.abort();
                self.served.join_next().await;
            } else {
                tokio::select! {
                    _ = self.served.join_next() => {}
                    () = self.calm.notified() => {}
                }
            }
        }
    }

    /// Completes once no connection is open.
    pub(super) async fn empty(&mut self) {
        while self.served.join_next().await.is_some() {}
    }

    fn quietest(&self) -> Option<&AbortHandle> {
        let quiet = self.taken.iter().filter_map(|seat| {
            let since = *seat.quiet.since();
            Some((since?, &seat.task))
        });
        quiet.min_by_key(|(since, _)| *since).map(|(_, task)| task)
    }
}

impl Quiet {
    /// Marks a request as in progress until the returned value is dropped.
    pub(super) fn answers(&self) -> Answering {
        *self.since() = None;
        Answering(self.clone())
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        *self.0.since() = Some(Instant::now());
        self.0.calm.notify_one();
    }
}
