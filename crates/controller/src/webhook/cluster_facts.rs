//! Cluster facts for reviews, refreshed in the background so that no review waits for them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::warn;

use crate::Context;
use awsauth_core::plan::{Admins, Known};
use awsauth_kube::guard_facts::known_admins;
use awsauth_kube::{access_review, rbac};

/// The refresh interval.
const PERIOD: Duration = Duration::from_secs(600);
/// The interval while the controller's username is unknown: until then, no status of a mapping can be written.
const PERIOD_UNKNOWN: Duration = Duration::from_secs(5);
/// The timeout of a refresh.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Cluster facts besides those from EKS.
#[derive(Clone, Debug, Default)]
pub(super) struct ClusterFacts {
    /// The subjects bound to the ClusterRole `cluster-admin`.
    pub(super) admins: Known<Admins>,
    /// The controller's own username.
    pub(super) controller: Option<String>,
}

/// Refreshes the facts immediately and then periodically, until shutdown.
pub(super) async fn refresh(context: Context, sender: watch::Sender<Arc<ClusterFacts>>) {
    loop {
        let client = &context.client;
        let (admins, who) = tokio::join!(
            rbac::admins(client, TIMEOUT),
            access_review::current_user(client, TIMEOUT)
        );
        let known = sender.borrow().controller.clone();
        let controller = match who {
            Ok(who) => Some(who.username),
            Err(error) => {
                warn!(%error, "cannot get the controller's own username, so its own writes are not exempt");
                known
            }
        };
        let period = match controller {
            Some(_) => PERIOD,
            None => PERIOD_UNKNOWN,
        };
        sender.send_replace(Arc::new(ClusterFacts {
            admins: known_admins(admins),
            controller,
        }));
        tokio::select! {
            () = context.shutdown.requested() => return,
            () = sleep(period) => {}
        }
    }
}
