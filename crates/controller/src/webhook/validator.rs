//! Checks reviews with the current configuration and facts, and logs and counts them.
//!
//! The webhook does not authenticate the API server. So log lines and metrics of reviews may be about a request that another client
//! made up; each line has the uid of the request, which the audit log of the API server confirms.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::cluster_facts::ClusterFacts;
use crate::Context;
use crate::config::ConfigReceiver;
use crate::eks_state::EksState;
use crate::metrics::{Metrics, VerdictLabel};
use awsauth_core::admission::{
    AdmissionRequest, Deadline, Facts, Policy, Review, ReviewError, ReviewResult, Verdict,
    enforcement_probe, validate,
};
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

/// The maximum length in bytes of a string that is logged, and of an error in a response.
const MAX_LOGGED: usize = 512;

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

    /// Checks, logs and counts a review. Logs an error as a warning: the edit may be stored unchecked.
    ///
    /// # Errors
    /// If the review exceeds its deadline or the number of entries.
    pub(super) fn validate(
        &self,
        review: &Review,
        request: &AdmissionRequest<'_>,
        deadline: &Deadline,
    ) -> Result<ReviewResult, ReviewError> {
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
        let result = validate(review, &policy, &facts, deadline).inspect_err(|error| {
            let (uid, user) = (shortened(&request.uid), shortened(&review.user.username));
            let operation = request.operation.name();
            warn!(
                uid,
                user, operation, %error, "an edit to aws-auth was not checked; failurePolicy decides"
            );
        })?;
        // Any client can name its field manager so. What it does must be logged.
        let is_probe = review.field_manager.as_deref() == Some(enforcement_probe::MANAGER)
            && policy.controller.as_ref() == Some(&review.user.username)
            && request.dry_run
            && result.verdict == Verdict::Denied;
        if is_probe {
            self.probes.fetch_add(1, Ordering::Relaxed);
            self.count("probe");
            debug!(
                verdict = result.verdict.name(),
                "received the controller's own probe"
            );
            return Ok(result);
        }
        self.count(result.verdict.name());
        let user = shortened(&review.user.username);
        let field_manager = shortened(review.field_manager.as_deref().unwrap_or_default());
        let (uid, operation) = (shortened(&request.uid), request.operation.name());
        let is_dry_run = request.dry_run;
        let verdict = result.verdict.name();
        let annotation = |key| shortened(result.audit.get(key).map_or("", String::as_str));
        let (refused, why) = (annotation("refused"), annotation("why"));
        match result.verdict {
            Verdict::Denied | Verdict::Exempted(_) => {
                info!(
                    uid,
                    verdict,
                    user,
                    field_manager,
                    operation,
                    is_dry_run,
                    refused,
                    why,
                    "checked an edit to aws-auth"
                );
            }
            Verdict::Allowed | Verdict::Warned => {
                debug!(
                    uid,
                    verdict,
                    user,
                    field_manager,
                    operation,
                    is_dry_run,
                    "checked an edit to aws-auth"
                );
            }
        }
        Ok(result)
    }

    /// Returns the current configuration of the controller.
    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Returns the controller's username; `None` if it is not known yet.
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

    /// Returns a validator with the default configuration that knows only the controller's username.
    #[cfg(test)]
    pub(super) fn for_test(controller: Option<&str>) -> Self {
        let facts = ClusterFacts {
            controller: controller.map(str::to_owned),
            ..ClusterFacts::default()
        };
        Self {
            config: watch::channel(Arc::default()).1,
            cluster_facts: watch::channel(Arc::new(facts)).1,
            eks: watch::channel(Arc::default()).1,
            metrics: Arc::new(Metrics::new(true)),
            probes: Arc::default(),
        }
    }
}

/// Shortens a string that may contain parts of a request.
pub(super) fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_LOGGED)]
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;

    use serde_json::{Value, json};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn review_without_a_verdict_is_logged() {
        let body = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "705ab4f5",
                "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
                "operation": "UPDATE",
                "userInfo": {"username": "mallory"},
                "object": enforcement_probe::forbidden(),
                "oldObject": null,
            },
        });
        let body = body.to_string().into_bytes();
        let request = AdmissionRequest::parse(&body).unwrap();
        let review = request.review().unwrap().unwrap();
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .finish();
        let result = tracing::subscriber::with_default(subscriber, || {
            Validator::for_test(None).validate(&review, &request, &Deadline::new(|| true))
        });
        assert_eq!(result, Err(ReviewError::TimeIsUp));
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        for part in ["WARN", "705ab4f5", "mallory"] {
            assert!(log.contains(part), "{log}");
        }
    }

    #[test]
    fn only_the_denied_dry_run_of_the_controller_is_a_probe() {
        let forbidden = enforcement_probe::forbidden();
        let probe = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "request": {
                "uid": "1",
                "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
                "operation": "UPDATE",
                "userInfo": {"username": "controller"},
                "object": forbidden,
                "oldObject": null,
                "dryRun": true,
                "options": {"fieldManager": enforcement_probe::MANAGER},
            },
        });
        let annotations = json!({"awsauth.dev/break-glass": "because"});
        for (pointer, value, verdict) in [
            ("/request/uid", json!("2"), "probe"),
            ("/request/userInfo/username", json!("mallory"), "denied"),
            ("/request/dryRun", json!(false), "denied"),
            (
                "/request/object/metadata/annotations",
                annotations,
                "break-glass",
            ),
            ("/request/object/data", json!({}), "allowed"),
        ] {
            let mut review = probe.clone();
            review["request"]["object"]["metadata"]["annotations"] = Value::Null;
            *review.pointer_mut(pointer).unwrap() = value;
            let body = review.to_string().into_bytes();
            let request = AdmissionRequest::parse(&body).unwrap();
            let review = request.review().unwrap().unwrap();
            let validator = Validator::for_test(Some("controller"));
            let validated = validator.validate(&review, &request, &Deadline::default());
            assert!(validated.is_ok());
            let reviews = &validator.metrics.admission_reviews;
            let count = reviews.get_or_create(&VerdictLabel { verdict }).get();
            assert_eq!(count, 1, "{pointer}");
            assert_eq!(validator.probes(), u64::from(verdict == "probe"));
        }
    }
}
