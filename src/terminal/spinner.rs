//! Shows progress on a terminal: a spinner during slow requests, and a counter.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows progress on a terminal, from a delay after its creation until it is dropped.
#[derive(Debug)]
pub(crate) struct Spinner {
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Spinner {
    /// Creates a spinner that is never shown.
    pub(super) fn hidden() -> Self {
        Self { shown: None }
    }

    /// Creates a spinner that shows `doing` after `delay`.
    pub(super) fn start(doing: &'static str, delay: Duration) -> Self {
        let (done, wait) = channel();
        let thread = thread::spawn(move || {
            if wait.recv_timeout(delay) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::new_spinner().with_message(doing);
            while wait.recv_timeout(Duration::from_millis(80)) == Err(RecvTimeoutError::Timeout) {
                bar.tick();
            }
            bar.finish_and_clear();
        });
        Self {
            shown: Some((done, thread)),
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.shown.take() {
            drop(done);
            // The spinner must clear its line before anything else is written.
            let _ = thread.join();
        }
    }
}

/// Shows on a terminal how much is done, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counter(ProgressBar);

impl Counter {
    /// Creates a counter that is never shown.
    pub(super) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Creates a counter up to `total`.
    pub(super) fn start(doing: &'static str, total: usize) -> Self {
        let bar = ProgressBar::new(total as u64).with_message(doing);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}: {pos} of {len}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(80));
        Self(bar)
    }

    /// Counts one more.
    pub(crate) fn increment(&self) {
        self.0.inc(1);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
