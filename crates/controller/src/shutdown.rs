use tokio::sync::watch;

/// Knows when the process has been asked to end. Each part of the controller holds one.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

/// Asks all of them. When it is dropped, they are asked, too.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

impl Stop {
    /// A new pair, not asked yet.
    pub(crate) fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// Completes once the process is to end; at once when it has been asked already.
    pub(crate) async fn asked(&self) {
        // An error says that the sender is gone, which is as good.
        let _ = self.0.clone().wait_for(|asked| *asked).await;
    }

    /// Whether the process has been asked to end.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }
}

impl Stopper {
    /// Asks them to end.
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_asks_late_hears_it_too() {
        let (stopper, stop) = Stop::new();
        stopper.stop();
        stop.asked().await;
        stop.clone().asked().await;
        let (stopper, stop) = Stop::new();
        drop(stopper);
        stop.asked().await;
    }
}
