//! What a review is judged with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use tracing::{debug, info};

use super::facts::Ground;
use crate::admission::{Answer, Facts, Review, Terms, Verdict, judge, probe};
use crate::controller::Running;
use crate::controller::config::Loaded;
use crate::controller::metrics::{Metrics, VerdictLabel};
use crate::controller::told::Told;

/// The configuration, what is known, and whoever counts.
#[derive(Clone)]
pub(super) struct Judge {
    config: Loaded,
    ground: watch::Receiver<Arc<Ground>>,
    told: watch::Receiver<Arc<Told>>,
    metrics: Arc<Metrics>,
    /// How often the controller's own probe came by.
    probes: Arc<AtomicU64>,
}

/// What a request was, for the log.
pub(super) struct Asked {
    /// Such as `UPDATE`.
    pub(super) operation: &'static str,
    /// Whether nothing is stored in any case.
    pub(super) is_dry_run: bool,
}

impl Judge {
    pub(super) fn new(
        running: &Running,
        ground: watch::Receiver<Arc<Ground>>,
        told: watch::Receiver<Arc<Told>>,
    ) -> Self {
        Self {
            config: running.config.clone(),
            ground,
            told,
            metrics: Arc::clone(&running.metrics),
            probes: Arc::default(),
        }
    }

    /// Judges, logs and counts.
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
            debug!(verdict = answer.verdict.name(), "the probe came by");
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

    /// How often the controller's own probe came by.
    pub(super) fn probes(&self) -> u64 {
        self.probes.load(Ordering::Relaxed)
    }
}
