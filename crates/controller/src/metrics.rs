//! Prometheus metrics. No label contains an ARN or a username.

use std::sync::atomic::AtomicU64;

use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use hyper::body::Bytes;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use super::http::HttpResponse;

/// <https://prometheus.io/docs/specs/om/open_metrics_spec/>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A Unix timestamp in seconds.
pub(crate) type Seconds = Gauge<f64, AtomicU64>;

/// The label of a result.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ResultLabel {
    pub(crate) result: &'static str,
}

/// The label of a guard: its ID, such as WG03.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct GuardLabel {
    pub(crate) guard: &'static str,
}

/// The labels of a lint rule.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RuleLabel {
    pub(crate) rule: &'static str,
    pub(crate) severity: &'static str,
}

/// The label of an object's state: the reason of its condition `Ready`, such as Applied.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct StateLabel {
    pub(crate) state: &'static str,
}

/// The label of the verdict on an edit.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct VerdictLabel {
    pub(crate) verdict: &'static str,
}

/// All metrics and their registry.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) reconciles: Family<ResultLabel, Counter>,
    pub(crate) reconcile_duration: Histogram,
    pub(crate) writes: Family<ResultLabel, Counter>,
    pub(crate) write_conflicts: Counter,
    pub(crate) access_entry_changes: Family<ResultLabel, Counter>,
    pub(crate) refusals: Family<GuardLabel, Counter>,
    pub(crate) drift_repairs: Counter,
    pub(crate) contested: Gauge,
    pub(crate) protected_missing: Gauge,
    pub(crate) lint_findings: Family<RuleLabel, Gauge>,
    pub(crate) mappings: Family<StateLabel, Gauge>,
    pub(crate) leader: Gauge,
    pub(crate) last_success: Seconds,
    pub(crate) admission_reviews: Family<VerdictLabel, Counter>,
    pub(crate) admission_enforced: Gauge,
    pub(crate) certificate_expiry: Seconds,
}

impl Metrics {
    /// Returns all metrics at zero. Registers those of the webhook only `with_admission`.
    pub(crate) fn new(with_admission: bool) -> Self {
        let duration = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];
        let mut metrics = Self {
            registry: Registry::with_prefix("awsauth"),
            reconciles: Family::default(),
            reconcile_duration: Histogram::new(duration),
            writes: Family::default(),
            write_conflicts: Counter::default(),
            access_entry_changes: Family::default(),
            refusals: Family::default(),
            drift_repairs: Counter::default(),
            contested: Gauge::default(),
            protected_missing: Gauge::default(),
            lint_findings: Family::default(),
            mappings: Family::default(),
            leader: Gauge::default(),
            last_success: Seconds::default(),
            admission_reviews: Family::default(),
            admission_enforced: Gauge::default(),
            certificate_expiry: Seconds::default(),
        };
        metrics.register_all(with_admission);
        metrics
    }

    fn register_all(&mut self, with_admission: bool) {
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        self.register("build", "The version of awsauth", build);
        let metric = self.reconciles.clone();
        self.register("reconcile", "Reconciliations, by result", metric);
        let metric = self.reconcile_duration.clone();
        self.registry.register_with_unit(
            "reconcile_duration",
            "Duration of reconciliations, including writes and status updates",
            Unit::Seconds,
            metric,
        );
        let metric = self.writes.clone();
        self.register("writes", "Writes of aws-auth, by result", metric);
        let metric = self.access_entry_changes.clone();
        self.register(
            "access_entry_changes",
            "Changes of access entries, by result",
            metric,
        );
        let metric = self.write_conflicts.clone();
        self.register(
            "write_conflicts",
            "Writes that were planned again because another client had changed aws-auth",
            metric,
        );
        let metric = self.refusals.clone();
        self.register("refusals", "Changes that a guard refused", metric);
        let metric = self.drift_repairs.clone();
        self.register(
            "drift_repairs",
            "Entries that were restored after another client had changed or removed them",
            metric,
        );
        let metric = self.contested.clone();
        self.register(
            "contested",
            "Objects whose entry another client keeps changing, so that repairs are suspended",
            metric,
        );
        let metric = self.protected_missing.clone();
        self.register(
            "protected_missing",
            "Entries that protect.arns lists and that are not in aws-auth",
            metric,
        );
        let metric = self.lint_findings.clone();
        self.register("lint_findings", "Findings of lint in aws-auth", metric);
        let metric = self.mappings.clone();
        self.register(
            "mappings",
            "Objects, by the reason of their condition Ready",
            metric,
        );
        let metric = self.leader.clone();
        self.register("leader", "1 if this replica holds the lease", metric);
        let metric = self.last_success.clone();
        self.register(
            "last_success_timestamp_seconds",
            "Time of the last successful reconciliation",
            metric,
        );
        if with_admission {
            let metric = self.admission_reviews.clone();
            self.register("admission_reviews", "Admission reviews, by verdict", metric);
            let metric = self.admission_enforced.clone();
            self.register(
                "admission_enforced",
                "1 if the API server refused a forbidden edit in the last check",
                metric,
            );
            let metric = self.certificate_expiry.clone();
            self.register(
                "certificate_expiry_timestamp_seconds",
                "Expiry of the webhook's certificate",
                metric,
            );
        }
    }

    fn register(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.registry.register(name, help, metric);
    }

    /// Counts a reconciliation.
    pub(crate) fn reconciled(&self, result: &'static str) {
        self.reconciles.get_or_create(&ResultLabel { result }).inc();
    }

    /// Sets the time of the last successful reconciliation to now.
    pub(crate) fn succeeded(&self) {
        let now = jiff::Timestamp::now().as_millisecond();
        self.last_success.set(now as f64 / 1000.0);
    }

    /// Counts a change to an access entry.
    pub(crate) fn changed_access_entry(&self, result: &'static str) {
        let changes = &self.access_entry_changes;
        changes.get_or_create(&ResultLabel { result }).inc();
    }

    /// Counts a write to aws-auth.
    pub(crate) fn wrote(&self, result: &'static str) {
        self.writes.get_or_create(&ResultLabel { result }).inc();
    }

    /// Returns all metrics in the OpenMetrics format.
    pub(crate) fn respond(&self) -> HttpResponse {
        let mut text = String::new();
        let status = match encode(&mut text, &self.registry) {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = Response::new(Bytes::from(text).into());
        *response.status_mut() = status;
        let content_type = http::HeaderValue::from_static(OPEN_METRICS);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_are_stable() {
        let metrics = Metrics::new(true);
        metrics.reconciled("done");
        metrics.wrote("created");
        let mut text = String::new();
        encode(&mut text, &metrics.registry).unwrap();
        for line in [
            "awsauth_build_info{version=\"",
            "awsauth_reconcile_total{result=\"done\"} 1",
            "awsauth_reconcile_duration_seconds_count 0",
            "awsauth_writes_total{result=\"created\"} 1",
            "awsauth_write_conflicts_total 0",
            "awsauth_drift_repairs_total 0",
            "awsauth_contested 0",
            "awsauth_protected_missing 0",
            "awsauth_leader 0",
            "awsauth_last_success_timestamp_seconds 0",
            "awsauth_admission_enforced 0",
            "awsauth_certificate_expiry_timestamp_seconds 0",
        ] {
            assert!(text.contains(&format!("\n{line}")), "{line} in\n{text}");
        }
        let mut without = String::new();
        encode(&mut without, &Metrics::new(false).registry).unwrap();
        assert!(!without.contains("admission"), "{without}");
    }
}
