//! What EKS tells, where somebody has named the cluster and there are credentials. Nothing here is needed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::Running;
use awsauth_aws::eks::{EksSnapshot, read_snapshot};
use awsauth_core::error_chain;
use awsauth_core::facts::node_inventory::NodeInventory;
use awsauth_core::plan::{Facts, Known};

/// How often EKS is asked.
const PERIOD: Duration = Duration::from_secs(600);
/// So long its answer is as good as a new one.
const RECENT: Duration = Duration::from_secs(5);
/// What the part of [`Health`](super::health::Health) is called.
const PART: &str = "EKS";

/// What decisions are told of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct EksState {
    /// What guards have to know.
    pub(crate) facts: Facts,
    /// What EKS said.
    pub(crate) eks: EksSnapshot,
    /// What its nodes sign in with.
    pub(crate) node_inventory: Known<NodeInventory>,
    /// When EKS was asked; `None` where nobody asks it.
    pub(crate) asked: Option<Instant>,
}

impl Default for EksState {
    fn default() -> Self {
        Self::unknown("--cluster-name NAME, and AWS credentials that may eks:DescribeCluster")
    }
}

impl EksState {
    fn unknown(needs: impl Into<String>) -> Self {
        Self {
            facts: Facts::default(),
            eks: EksSnapshot::default(),
            node_inventory: Known::Unknown {
                needs: needs.into(),
            },
            asked: None,
        }
    }

    /// What comes of EKS's answer.
    pub(crate) fn of(eks: EksSnapshot) -> Self {
        let is_known = eks.node_inventory.groups.is_some() && eks.node_inventory.profiles.is_some();
        Self {
            facts: Facts {
                mode: eks.mode,
                account: eks.account.clone(),
                ..Facts::default()
            },
            node_inventory: match is_known {
                true => Known::Is(eks.node_inventory.clone()),
                false => Known::Unknown {
                    needs: eks.unavailable.join("; "),
                },
            },
            eks,
            asked: Some(Instant::now()),
        }
    }

    /// Whether EKS may say something else by now.
    pub(crate) fn is_old(&self) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() > RECENT)
    }
}

/// Asks EKS until the process ends. What is not known is said once, and stands in /readyz.
pub(crate) async fn ask(running: Running, sender: watch::Sender<Arc<EksState>>, now: Arc<Notify>) {
    let Some(name) = running.settings.cluster_name.clone() else {
        running.health.remarks(
            PART,
            "not asked, as no --cluster-name is given: the authentication mode, access entries and node groups are not known",
        );
        info!(
            "EKS is not asked, as no --cluster-name is given: the authentication mode, access entries and node groups are not known"
        );
        return;
    };
    let mut said = None;
    loop {
        let (name, credential_options) =
            (name.clone(), running.settings.credential_options.clone());
        let asking = tokio::task::spawn_blocking({
            let name = name.clone();
            move || read_snapshot(&name, &credential_options)
        });
        let told = tokio::select! {
            () = running.stop.asked() => return,
            told = asking => told,
        };
        let (told, missing) = match told {
            Ok(Ok(eks)) => {
                let missing = eks.unavailable.join("; ");
                (Some(EksState::of(eks)), missing)
            }
            Ok(Err(error)) => {
                let error = error_chain::text(&error);
                (
                    None,
                    format!("cannot describe EKS cluster {name:?}: {error}"),
                )
            }
            Err(panic) => (None, panic.to_string()),
        };
        if said.as_ref() != Some(&missing) {
            match missing.is_empty() {
                true => info!("EKS tells all that is asked"),
                false => warn!(
                    missing,
                    "EKS does not tell all that is asked; it is asked again every 10 minutes"
                ),
            }
            said = Some(missing.clone());
        }
        let mode = told.as_ref().and_then(|told| told.eks.mode);
        let mode = mode.map_or("not known", |mode| mode.name());
        let remark = match missing.is_empty() {
            true => format!("authentication mode {mode}"),
            false => format!("authentication mode {mode}; {missing}"),
        };
        running.health.remarks(PART, remark);
        // What was known stays known until it is known better.
        let told = told.or_else(|| {
            matches!(sender.borrow().node_inventory, Known::Unknown { .. }).then(|| EksState {
                asked: Some(Instant::now()),
                ..EksState::unknown(missing)
            })
        });
        if let Some(told) = told {
            sender.send_replace(Arc::new(told));
        }
        tokio::select! {
            () = running.stop.asked() => return,
            () = sleep(PERIOD) => {}
            () = now.notified() => {}
        }
    }
}
