//! What reviews have to know of the cluster. It is asked now and then, so that no review has to wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::cluster::{rbac, review};
use crate::controller::Running;
use crate::plan::{Admins, Known};
use crate::world::known_admins;

/// How often it is asked.
const PERIOD: Duration = Duration::from_secs(600);
/// For how long, each time.
const PATIENCE: Duration = Duration::from_secs(10);

/// What reviews stand on besides what EKS tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Ground {
    /// To whom the ClusterRole `cluster-admin` is bound.
    pub(super) admins: Known<Admins>,
    /// The controller's own username.
    pub(super) controller: Option<String>,
}

/// Asks at once and then now and then, until the process is to end.
pub(super) async fn follow(running: Running, sender: watch::Sender<Arc<Ground>>) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = running.stop.asked() => return,
            _ = period.tick() => {}
        }
        let store = &running.store;
        let (admins, who) =
            tokio::join!(rbac::admins(store, PATIENCE), review::who(store, PATIENCE));
        let known = sender.borrow().controller.clone();
        let controller = match who {
            Ok(who) => Some(who.username),
            Err(error) => {
                warn!(%error, "cannot learn its own name: its own writes are judged, too");
                known
            }
        };
        sender.send_replace(Arc::new(Ground {
            admins: known_admins(admins),
            controller,
        }));
    }
}
