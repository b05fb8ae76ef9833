//! Runs work on a separate thread, with a time limit.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use jiff::SignedDuration;

use awsauth_core::doctor::evidence::Collected;

/// Work on a separate thread.
pub(crate) struct Task<T> {
    answer: Receiver<T>,
    end: Instant,
    limit: Duration,
}

/// Starts work on a separate thread. It is abandoned at its limit or at `end`, whichever comes first.
pub(crate) fn spawn<T: Send + 'static>(
    limit: Duration,
    end: Instant,
    question: impl FnOnce() -> T + Send + 'static,
) -> Task<T> {
    let (sender, answer) = channel();
    let limit = limit.min(end.saturating_duration_since(Instant::now()));
    thread::spawn(move || {
        // After the limit, nothing receives the answer.
        let _ = sender.send(question());
    });
    Task {
        answer,
        end: Instant::now() + limit,
        limit,
    }
}

impl<T> Task<T> {
    /// Returns the time limit.
    pub(crate) fn limit(&self) -> SignedDuration {
        SignedDuration::try_from(self.limit).unwrap_or(SignedDuration::MAX)
    }

    /// Shortens the time limit to this time from now on.
    pub(crate) fn limited(self, time_limit: Duration) -> Self {
        Self {
            end: self.end.min(Instant::now() + time_limit),
            limit: self.limit.min(time_limit),
            ..self
        }
    }

    /// Waits for the answer, for at most `time_limit` from now on.
    pub(crate) fn within(self, time_limit: Duration) -> Collected<T> {
        let end = self.end.min(Instant::now() + time_limit);
        Self { end, ..self }.wait()
    }

    /// Waits for the answer.
    pub(crate) fn wait(self) -> Collected<T> {
        let left = self.end.saturating_duration_since(Instant::now());
        match self.answer.recv_timeout(left) {
            Ok(seen) => Collected::Seen(seen),
            Err(RecvTimeoutError::Timeout) => Collected::TimedOut(self.limit()),
            Err(RecvTimeoutError::Disconnected) => Collected::NotRequested(
                "a result: collecting it panicked, which is a bug".to_owned(),
            ),
        }
    }
}
