//! The alert rules and the dashboard: Prometheus accepts them, alerts fire when expected, and every metric exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::manifests::same_rendering::{charted, manifests, object};
use crate::support::completed_run::Run;
use crate::support::go_programs::Binary;

/// The exported metrics.
pub(crate) const METRICS: [&str; 17] = [
    "awsauth_access_entry_changes_total",
    "awsauth_admission_enforced",
    "awsauth_admission_reviews_total",
    "awsauth_build_info",
    "awsauth_certificate_expiry_timestamp_seconds",
    "awsauth_contested",
    "awsauth_drift_repairs_total",
    "awsauth_last_success_timestamp_seconds",
    "awsauth_leader",
    "awsauth_lint_findings",
    "awsauth_mappings",
    "awsauth_protected_missing",
    "awsauth_reconcile_duration_seconds_bucket",
    "awsauth_reconcile_total",
    "awsauth_refusals_total",
    "awsauth_write_conflicts_total",
    "awsauth_writes_total",
];

fn alerts() -> PathBuf {
    manifests("chart/files/monitoring/alerts.yaml")
}

fn dashboard() -> Value {
    let path = manifests("chart/files/monitoring/dashboard.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn promtool(args: &[&str], folder: &Path) -> Run {
    let mut command = Command::new(Binary::Promtool.path());
    Run::of(command.env_clear().args(args).current_dir(folder))
}

/// The queries of the dashboard's panels.
fn queries() -> Vec<String> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect()
}

/// Returns the names of awsauth's metrics in a string.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("awsauth_"));
    ours.map(str::to_owned).collect()
}

#[test]
fn promtool_accepts_the_rules() {
    let run = promtool(
        &[
            "check",
            "rules",
            "--lint=all",
            "--lint-fatal",
            alerts().to_str().unwrap(),
        ],
        Path::new("/"),
    );
    run.says(0, &[]);
    assert!(run.stdout.contains("SUCCESS: 10 rules found"), "{run:?}");
}

#[test]
fn alerts_fire_when_expected() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(alerts(), folder.path().join("alerts.yaml")).unwrap();
    let cases = include_str!("alerts_test.yaml");
    fs::write(folder.path().join("test.yaml"), cases).unwrap();
    let run = promtool(&["test", "rules", "test.yaml"], folder.path());
    assert_eq!(run.status, 0, "{run:?}");
    // Every alert has a test in which it fires.
    let rules: Value = serde_yaml::from_str(&fs::read_to_string(alerts()).unwrap()).unwrap();
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        let fires = format!("alertname: {name}\n        exp_alerts:\n          - ");
        assert!(cases.contains(&fires), "{name} fires in no case");
    }
}

#[test]
fn promtool_accepts_the_dashboard_queries() {
    let folder = tempfile::tempdir().unwrap();
    let rules: String = queries()
        .iter()
        .enumerate()
        .map(|(number, query)| {
            let query = query
                .replace("$__rate_interval", "5m")
                .replace("$job", ".*");
            format!(
                "      - {{record: \"panel:{number}\", expr: {}}}\n",
                Value::from(query)
            )
        })
        .collect();
    let text = format!("groups:\n  - name: panels\n    rules:\n{rules}");
    fs::write(folder.path().join("panels.yaml"), text).unwrap();
    promtool(&["check", "rules", "panels.yaml"], folder.path()).says(0, &[]);
}

#[test]
fn rules_and_dashboard_use_existing_metrics() {
    let known: BTreeSet<String> = METRICS.map(str::to_owned).into();
    let rules = named(&fs::read_to_string(alerts()).unwrap());
    let panels = named(&queries().join("\n"));
    assert!(rules.is_subset(&known), "{rules:?}");
    // The dashboard shows every metric.
    assert_eq!(panels, known);
}

#[test]
fn dashboard_panels_do_not_overlap_and_have_unique_ids() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} covers another", panel["title"]);
            }
        }
    }
}

#[test]
fn chart_installs_monitoring_if_enabled() {
    let text = charted(&[
        "prometheusRule.enabled=true",
        "dashboard.enabled=true",
        "podMonitor.enabled=true",
        "podMonitor.labels.release=prometheus",
    ]);
    let rules = object(&text, "PrometheusRule", "awsauth-controller");
    let file: Value = serde_yaml::from_str(&fs::read_to_string(alerts()).unwrap()).unwrap();
    assert_eq!(rules["spec"], file);
    let shown = object(&text, "ConfigMap", "awsauth-controller-dashboard");
    let shown: Value =
        serde_json::from_str(shown["data"]["awsauth.json"].as_str().unwrap()).unwrap();
    assert_eq!(shown, dashboard());
    let monitor = object(&text, "PodMonitor", "awsauth-controller");
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    assert_eq!(monitor["spec"]["podMetricsEndpoints"][0]["port"], "metrics");
}
