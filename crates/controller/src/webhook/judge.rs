//! Judges reviews with the current configuration and facts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use tracing::{debug, info};

use super::facts::Ground;
use crate::Running;
use crate::config::Loaded;
use crate::eks_cache::EksState;
use crate::metrics::{Metrics, VerdictLabel};
use awsauth_core::admission::{Answer, Facts, Review, Terms, Verdict, judge, probe};

/// The configuration, the known facts, and the metrics.
#[derive(Clone)]
pub(super) struct Judge {
    config: Loaded,
    ground: watch::Receiver<Arc<Ground>>,
    told: watch::Receiver<Arc<EksState>>,
    metrics: Arc<Metrics>,
    /// The number of the controller's own probes received.
    probes: Arc<AtomicU64>,
}

/// A description of the request, for the log.
pub(super) struct Asked {
    /// Such as `UPDATE`.
    pub(super) operation: &'static str,
    /// Whether it is a dry run.
    pub(super) is_dry_run: bool,
}

impl Judge {
    pub(super) fn new(
        running: &Running,
        ground: watch::Receiver<Arc<Ground>>,
        told: watch::Receiver<Arc<EksState>>,
    ) -> Self {
        Self {
            config: running.config.clone(),
            ground,
            told,
            metrics: Arc::clone(&running.metrics),
            probes: Arc::default(),
        }
    }

    /// Judges, logs and counts a review.
    pub(super) fn judge(&self, review: &Review, asked: &Asked) -> Answer {
        let ground = Arc::clone(&self.ground.borrow());
        let config = Arc::clone(&self.config.borrow());
        let terms = Terms {
            admission: config.admission.clone(),
            protect: config.protect.clone(),
            controller: ground.controller.clone(),
        };
        let facts = {
            let told = self.told.borrow();
            Facts {
                mode: told.eks.mode,
                account: told.eks.account.clone(),
                admins: ground.admins.clone(),
                access_entries: told.eks.access_entries.clone(),
            }
        };
        let answer = judge(review, &terms, &facts);
        let is_probe = review.field_manager.as_deref() == Some(probe::MANAGER);
        if is_probe {
            self.probes.fetch_add(1, Ordering::Relaxed);
            self.count("probe");
            debug!(
                verdict = answer.verdict.name(),
                "received the controller's own probe"
            );
            return answer;
        }
        self.count(answer.verdict.name());
        let user = review.requester.username.as_str();
        let by = review.field_manager.as_deref().unwrap_or_default();
        let Asked {
            operation,
            is_dry_run,
        } = *asked;
        let verdict = answer.verdict.name();
        let refused = answer.audit.get("refused").map_or("", String::as_str);
        let why = answer.audit.get("why").map_or("", String::as_str);
        match answer.verdict {
            Verdict::Denied | Verdict::LetThrough(_) => {
                info!(
                    verdict,
                    user, by, operation, is_dry_run, refused, why, "an edit of aws-auth"
                );
            }
            Verdict::Allowed | Verdict::Warned => {
                debug!(
                    verdict,
                    user, by, operation, is_dry_run, "an edit of aws-auth"
                );
            }
        }
        answer
    }

    /// Counts a review.
    pub(super) fn count(&self, verdict: &'static str) {
        let reviews = &self.metrics.admission_reviews;
        reviews.get_or_create(&VerdictLabel { verdict }).inc();
    }

    /// Returns the number of the controller's own probes received.
    pub(super) fn probes(&self) -> u64 {
        self.probes.load(Ordering::Relaxed)
    }
}
