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

use super::http::Answer;

/// <https://prometheus.io/docs/specs/om/open_metrics_spec/>
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A Unix timestamp in seconds.
pub(crate) type Seconds = Gauge<f64, AtomicU64>;

/// A result label.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct ResultLabel {
    /// In one word.
    pub(crate) result: &'static str,
}

/// The ID of a guard, such as WG03.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct GuardLabel {
    /// The id.
    pub(crate) guard: &'static str,
}

/// A lint rule.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct RuleLabel {
    /// Its id.
    pub(crate) rule: &'static str,
    /// Its severity.
    pub(crate) severity: &'static str,
}

/// The state of objects.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct StateLabel {
    /// The reason of its condition, such as Applied.
    pub(crate) state: &'static str,
}

/// The verdict on an edit.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct VerdictLabel {
    /// In one word.
    pub(crate) verdict: &'static str,
}

/// All metrics, and the registry that they stand in.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) reconciles: Family<ResultLabel, Counter>,
    pub(crate) reconcile_duration: Histogram,
    pub(crate) writes: Family<ResultLabel, Counter>,
    pub(crate) write_conflicts: Counter,
    pub(crate) refusals: Family<GuardLabel, Counter>,
    pub(crate) drift_repairs: Counter,
    pub(crate) contested: Gauge,
    pub(crate) lint_findings: Family<RuleLabel, Gauge>,
    pub(crate) mappings: Family<StateLabel, Gauge>,
    pub(crate) leader: Gauge,
    pub(crate) last_success: Seconds,
    pub(crate) admission_reviews: Family<VerdictLabel, Counter>,
    pub(crate) admission_enforced: Gauge,
    pub(crate) certificate_expiry: Seconds,
}

impl Metrics {
    /// All of them at zero. Those of admission are shown only `with_admission`.
    pub(crate) fn new(with_admission: bool) -> Self {
        let duration = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0];
        let mut metrics = Self {
            registry: Registry::with_prefix("awsauth"),
            reconciles: Family::default(),
            reconcile_duration: Histogram::new(duration),
            writes: Family::default(),
            write_conflicts: Counter::default(),
            refusals: Family::default(),
            drift_repairs: Counter::default(),
            contested: Gauge::default(),
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
        self.register("build", "Which awsauth this is", build);
        let metric = self.reconciles.clone();
        self.register("reconcile", "Looks at all objects and aws-auth", metric);
        let metric = self.reconcile_duration.clone();
        self.registry.register_with_unit(
            "reconcile_duration",
            "How long a look took, writes and reports included",
            Unit::Seconds,
            metric,
        );
        let metric = self.writes.clone();
        self.register("writes", "Writes of aws-auth", metric);
        let metric = self.write_conflicts.clone();
        self.register(
            "write_conflicts",
            "Writes that somebody else's came before",
            metric,
        );
        let metric = self.refusals.clone();
        self.register("refusals", "Changes that a guard refused", metric);
        let metric = self.drift_repairs.clone();
        self.register("drift_repairs", "Entries put back as recorded", metric);
        let metric = self.contested.clone();
        self.register(
            "contested",
            "Objects whose entry somebody else keeps changing, and which are left alone for now",
            metric,
        );
        let metric = self.lint_findings.clone();
        self.register("lint_findings", "What lint finds in aws-auth", metric);
        let metric = self.mappings.clone();
        self.register("mappings", "Objects, by the reason of their state", metric);
        let metric = self.leader.clone();
        self.register("leader", "1 where this process holds the lease", metric);
        let metric = self.last_success.clone();
        self.register(
            "last_success_timestamp_seconds",
            "When a look last came to its end",
            metric,
        );
        if with_admission {
            let metric = self.admission_reviews.clone();
            self.register("admission_reviews", "Edits that were judged", metric);
            let metric = self.admission_enforced.clone();
            self.register(
                "admission_enforced",
                "1 where the API server was last seen to refuse a forbidden edit",
                metric,
            );
            let metric = self.certificate_expiry.clone();
            self.register(
                "certificate_expiry_timestamp_seconds",
                "When the webhook's certificate ends",
                metric,
            );
        }
    }

    fn register(&mut self, name: &str, help: &str, metric: impl Metric) {
        self.registry.register(name, help, metric);
    }

    /// A look ended so.
    pub(crate) fn reconciled(&self, result: &'static str) {
        self.reconciles.get_or_create(&ResultLabel { result }).inc();
    }

    /// A look came to its end.
    pub(crate) fn succeeded(&self) {
        let now = jiff::Timestamp::now().as_millisecond();
        self.last_success.set(now as f64 / 1000.0);
    }

    /// A write of aws-auth ended so.
    pub(crate) fn wrote(&self, result: &'static str) {
        self.writes.get_or_create(&ResultLabel { result }).inc();
    }

    /// All of them, as Prometheus reads them.
    pub(crate) fn answer(&self) -> Answer {
        let mut text = String::new();
        let status = match encode(&mut text, &self.registry) {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut answer = Response::new(Bytes::from(text).into());
        *answer.status_mut() = status;
        let form = http::HeaderValue::from_static(OPEN_METRICS);
        answer.headers_mut().insert(CONTENT_TYPE, form);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_dashboards_ask_for() {
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
