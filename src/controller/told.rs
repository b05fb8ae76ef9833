//! What EKS tells, where somebody has named the cluster and there are credentials. Nothing here is needed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::Running;
use crate::edge::{ColorMode, Out, Program, Verbosity};
use crate::facts::fleet::Fleet;
use crate::plan::{Facts, Known};
use crate::world::{EksFacts, eks_facts};

/// How often EKS is asked.
const PERIOD: Duration = Duration::from_secs(600);
/// So long its answer is as good as a new one.
const RECENT: Duration = Duration::from_secs(5);
/// What the part of [`Health`](super::health::Health) is called.
const PART: &str = "EKS";

/// What decisions are told of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// What guards have to know.
    pub(crate) facts: Facts,
    /// What EKS said.
    pub(crate) eks: EksFacts,
    /// What its nodes sign in with.
    pub(crate) fleet: Known<Fleet>,
    /// When EKS was asked; `None` where nobody asks it.
    pub(crate) asked: Option<Instant>,
}

impl Default for Told {
    fn default() -> Self {
        Self::unknown("--cluster-name NAME, and AWS credentials that may eks:DescribeCluster")
    }
}

impl Told {
    fn unknown(needs: impl Into<String>) -> Self {
        Self {
            facts: Facts::default(),
            eks: EksFacts::default(),
            fleet: Known::Unknown {
                needs: needs.into(),
            },
            asked: None,
        }
    }

    /// What comes of EKS's answer.
    pub(crate) fn of(eks: EksFacts) -> Self {
        let is_known = eks.fleet.groups.is_some() && eks.fleet.profiles.is_some();
        Self {
            facts: Facts {
                mode: eks.mode,
                account: eks.account.clone(),
                ..Facts::default()
            },
            fleet: match is_known {
                true => Known::Is(eks.fleet.clone()),
                false => Known::Unknown {
                    needs: eks.untold.join("; "),
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
pub(crate) async fn ask(running: Running, sender: watch::Sender<Arc<Told>>, now: Arc<Notify>) {
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
        let (name, wish) = (name.clone(), running.settings.wish.clone());
        let asking = tokio::task::spawn_blocking(move || {
            // Nobody reads what is meant for a desk.
            let mut out = Out::new(Program::Awsauth, ColorMode::Never, Verbosity::Quiet);
            eks_facts(&name, &wish, &mut out)
        });
        let told = tokio::select! {
            () = running.stop.asked() => return,
            told = asking => told,
        };
        let (told, missing) = match told {
            Ok(Ok(eks)) => {
                let missing = eks.untold.join("; ");
                (Some(Told::of(eks)), missing)
            }
            Ok(Err(failure)) => (None, failure.message()),
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
            matches!(sender.borrow().fleet, Known::Unknown { .. }).then(|| Told {
                asked: Some(Instant::now()),
                ..Told::unknown(missing)
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
