//! The shutdown signal that every part of the controller waits for.

use tokio::sync::watch;

/// Receives the shutdown signal.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

/// Sends the shutdown signal. Dropping it sends the signal, too.
#[derive(Debug)]
pub(crate) struct ShutdownTrigger(watch::Sender<bool>);

impl Shutdown {
    /// Returns a connected pair.
    pub(crate) fn new() -> (ShutdownTrigger, Self) {
        let (sender, receiver) = watch::channel(false);
        (ShutdownTrigger(sender), Self(receiver))
    }

    /// Completes once shutdown is requested; immediately if it was requested before.
    pub(crate) async fn requested(&self) {
        // An error means that the trigger was dropped.
        let _ = self.0.clone().wait_for(|is_requested| *is_requested).await;
    }

    pub(crate) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
}

impl ShutdownTrigger {
    pub(crate) fn shut_down(&self) {
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn late_and_cloned_receivers_get_the_signal() {
        let (trigger, shutdown) = Shutdown::new();
        trigger.shut_down();
        shutdown.requested().await;
        shutdown.clone().requested().await;
        let (trigger, shutdown) = Shutdown::new();
        drop(trigger);
        shutdown.requested().await;
    }
}
