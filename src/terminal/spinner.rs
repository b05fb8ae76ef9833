//! Shows a spinner during slow requests.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::ProgressBar;

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
