//! Reloads mounted files periodically.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::shutdown::Shutdown;

/// How often files are checked. The kubelet takes up to a minute to update them.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically>
const PERIOD: Duration = Duration::from_secs(10);

/// Calls `reload` periodically until shutdown. Calls `report` when the error of `reload` changes, with `None` once it
/// succeeds again.
pub(crate) async fn reload_until_shutdown(
    shutdown: &Shutdown,
    mut reload: impl FnMut() -> Result<(), String>,
    mut report: impl FnMut(Option<&str>),
) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_error = None;
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            _ = period.tick() => {}
        }
        let error = reload().err();
        if error != last_error {
            report(error.as_deref());
            last_error = error;
        }
    }
}
