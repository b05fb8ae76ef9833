//! Checks reviews with the current configuration and facts, and logs and counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use tracing::{debug, info};

use super::cluster_facts::ClusterFacts;
use crate::Context;
use crate::config::ConfigReceiver;
use crate::eks_state::EksState;
use crate::metrics::{Metrics, VerdictLabel};
use awsauth_core::admission::{Facts, Policy, Review, ReviewResult, Verdict, probe, validate};
use awsauth_core::reconcile::Config;

/// The configuration, the known facts, and the metrics.
#[derive(Clone)]
pub(super) struct Validator {
    config: ConfigReceiver,
    cluster_facts: watch::Receiver<Arc<ClusterFacts>>,
    eks: watch::Receiver<Arc<EksState>>,
    metrics: Arc<Metrics>,
    /// The number of the controller's own probes received.
    probes: Arc<AtomicU64>,
}

/// A description of the request, for the log.
pub(super) struct RequestInfo {
    /// The operation, such as `UPDATE`.
    pub(super) operation: &'static str,
    pub(super) is_dry_run: bool,
}

impl Validator {
    pub(super) fn new(
        context: &Context,
        cluster_facts: watch::Receiver<Arc<ClusterFacts>>,
        eks: watch::Receiver<Arc<EksState>>,
    ) -> Self {
        Self {
            config: context.config.clone(),
            cluster_facts,
            eks,
            metrics: Arc::clone(&context.metrics),
            probes: Arc::default(),
        }
    }

    /// Checks, logs and counts a review.
    pub(super) fn validate(&self, review: &Review, info: &RequestInfo) -> ReviewResult {
        let cluster_facts = Arc::clone(&self.cluster_facts.borrow());
        let config = Arc::clone(&self.config.borrow());
        let policy = Policy {
            admission: config.admission.clone(),
            protect: config.protect.clone(),
            controller: cluster_facts.controller.clone(),
        };
        let facts = {
            let eks = self.eks.borrow();
            Facts {
                mode: eks.snapshot.mode,
                account: eks.snapshot.account.clone(),
                admins: cluster_facts.admins.clone(),
                access_entries: eks.snapshot.access_entries.clone(),
            }
        };
        let result = validate(review, &policy, &facts);
        let is_probe = review.field_manager.as_deref() == Some(probe::MANAGER);
        if is_probe {
            self.probes.fetch_add(1, Ordering::Relaxed);
            self.count("probe");
            debug!(
                verdict = result.verdict.name(),
                "received the controller's own probe"
            );
            return result;
        }
        self.count(result.verdict.name());
        let user = review.requester.username.as_str();
        let field_manager = review.field_manager.as_deref().unwrap_or_default();
        let RequestInfo {
            operation,
            is_dry_run,
        } = *info;
        let verdict = result.verdict.name();
        let refused = result.audit.get("refused").map_or("", String::as_str);
        let why = result.audit.get("why").map_or("", String::as_str);
        match result.verdict {
            Verdict::Denied | Verdict::Exempted(_) => {
                info!(
                    verdict,
                    user,
                    field_manager,
                    operation,
                    is_dry_run,
                    refused,
                    why,
                    "checked an edit of aws-auth"
                );
            }
            Verdict::Allowed | Verdict::Warned => {
                debug!(
                    verdict,
                    user, field_manager, operation, is_dry_run, "checked an edit of aws-auth"
                );
            }
        }
        result
    }

    /// Returns the current configuration of the controller.
    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Returns the username of the controller; `None` if it is not known yet.
    pub(super) fn controller(&self) -> Option<String> {
        self.cluster_facts.borrow().controller.clone()
    }

    pub(super) fn count(&self, verdict: &'static str) {
        let reviews = &self.metrics.admission_reviews;
        reviews.get_or_create(&VerdictLabel { verdict }).inc();
    }

    pub(super) fn probes(&self) -> u64 {
        self.probes.load(Ordering::Relaxed)
    }
}
