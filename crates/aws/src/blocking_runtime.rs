//! A blocking runtime for async clients.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// The async runtime of a blocking caller, started on first use.
#[derive(Debug, Default)]
pub(crate) struct BlockingRuntime {
    runtime: Option<Runtime>,
}

impl BlockingRuntime {
    /// Runs a future to completion.
    ///
    /// # Errors
    /// If the system cannot start a runtime.
    pub(crate) fn block_on<T>(&mut self, answer: impl Future<Output = T>) -> io::Result<T> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_current_thread().enable_all().build()?,
        };
        let answer = runtime.block_on(answer);
        self.runtime = Some(runtime);
        Ok(answer)
    }
}
