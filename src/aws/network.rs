use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// The async runtime of a blocking caller, started when it first waits for the network.
#[derive(Debug, Default)]
pub(crate) struct Network {
    runtime: Option<Runtime>,
}

impl Network {
    /// Runs until the answer is there.
    ///
    /// # Errors
    /// When the system refuses what a runtime needs.
    pub(crate) fn wait<T>(&mut self, answer: impl Future<Output = T>) -> io::Result<T> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_current_thread().enable_all().build()?,
        };
        let answer = runtime.block_on(answer);
        self.runtime = Some(runtime);
        Ok(answer)
    }
}
