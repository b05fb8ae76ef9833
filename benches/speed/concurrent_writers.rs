//! Many concurrent writers of one aws-auth.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::aws_auth_fixture;
use crate::measure::background_work;
use crate::measure::child_process::{timed_attempt, timed_run};
use crate::measure::release_binary::Awsauth;
use crate::measure::timing::{Samples, milliseconds, ratio};
use crate::measured_commands::map;
use crate::other_writers;
use crate::support::cluster::Cluster;

const WRITERS: usize = 64;
const ROUNDS: usize = 8;
/// How many clients that are not under measurement write beside them.
const FOREIGN: usize = 4;

pub(crate) fn run(awsauth: &Awsauth) {
    let cluster = Cluster::shared();
    println!(
        "\n{WRITERS} concurrent writers, {ROUNDS} rounds, each with its own role, beside {FOREIGN} kubectl patch in a loop"
    );
    let kubeconfig = cluster.kubeconfig();
    let map = |role: &str| awsauth.on(&kubeconfig, &map(role));
    let foreign = |name: &str, command: &(dyn Fn(&str) -> Command + Sync)| {
        counted(cluster, || {
            background_work::beside(
                FOREIGN,
                |writer, round| patch(cluster, writer, round),
                || storm(cluster, name, command),
            )
        })
    };
    let (ours, our_requests) = foreign("awsauth map", &map);
    let beside = format!("awsauth map, beside {WRITERS} kubectl patch in a loop");
    background_work::beside(
        WRITERS,
        |writer, round| patch(cluster, writer, round),
        || storm(cluster, &beside, &map),
    );
    let Some(keiko) = other_writers::keiko() else {
        return;
    };
    let upsert = |role: &str| {
        let mut command = other_writers::on(cluster, &keiko);
        command.args(["upsert", "--maproles", "--retry", "--kubeconfig"]);
        command.arg(&kubeconfig);
        command.args(["--retry-max-count", "1000"]);
        command.args(["--rolearn", role, "--username", "admin"]);
        command.args(["--groups", "system:masters"]);
        command
    };
    let (theirs, their_requests) = foreign("keikoproj aws-auth upsert --retry", &upsert);
    let at_99 = ours.percentile(99).as_secs_f64() / theirs.percentile(99).as_secs_f64();
    println!("p99 relative to keikoproj: {}", ratio(at_99, Some(0.7)));
    let requests = ratio(our_requests / their_requests, Some(1.0));
    println!("requests relative to keikoproj: {requests}");
}

/// Changes aws-auth with kubectl.
fn patch(cluster: &Cluster, writer: usize, round: u32) {
    let annotation = serde_json::json!({"bench": format!("{writer}-{round}")});
    let patch = serde_json::json!({"metadata": {"annotations": annotation}});
    let mut kubectl = cluster.kubectl_command();
    kubectl.args(["patch", "configmap", "aws-auth", "-n", "kube-system", "-p"]);
    // On few cores, the API server may repeat a patch until its time limit.
    timed_attempt(kubectl.arg(patch.to_string()));
}

/// Lets all writers write, and prints how many succeeded and what they needed.
fn storm(cluster: &Cluster, name: &str, command: &(dyn Fn(&str) -> Command + Sync)) -> Samples {
    aws_auth_fixture::create(cluster);
    timed_run(&mut aws_auth_fixture::patch_back(cluster));
    let ended: Vec<(Duration, bool)> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    let role =
                        |round| format!("arn:aws:iam::111122223333:role/writer-{writer}-{round}");
                    (0..ROUNDS)
                        .map(|round| timed_attempt(&mut command(&role(round))))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let ended = writers
            .into_iter()
            .flat_map(|writer| writer.join().expect("a writer"));
        ended.collect()
    });
    let written = ended.iter().filter(|(_, succeeded)| *succeeded).count();
    let durations = Samples::new(ended.into_iter().map(|(duration, _)| duration).collect());
    let stored = cluster.kubectl(&[
        "get",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "-o",
        "jsonpath={.data.mapRoles}",
    ]);
    let stored = stored.matches(":role/writer-").count();
    let all = WRITERS * ROUNDS;
    let missed = if written.min(stored) < all {
        "  MISSED"
    } else {
        ""
    };
    println!(
        "{name}: succeeded {written} of {all}, stored {stored}{missed}; p50 {}, p99 {}",
        milliseconds(durations.percentile(50)),
        milliseconds(durations.percentile(99))
    );
    durations
}

/// Runs a storm, prints how many requests a success took, and returns that number, too.
fn counted(cluster: &Cluster, storm: impl FnOnce() -> Samples) -> (Samples, f64) {
    let before = requests(cluster);
    let durations = storm();
    let after = requests(cluster);
    let mut all = 0;
    let mut by_kind = Vec::new();
    for (kind, count) in &after {
        let count = count - before.get(kind).unwrap_or(&0);
        if count > 0 {
            all += count;
            by_kind.push(format!("{count} {kind}"));
        }
    }
    let per_success = all as f64 / (WRITERS * ROUNDS) as f64;
    let by_kind = by_kind.join(", ");
    println!("requests per success: {per_success:.2} ({by_kind})");
    (durations, per_success)
}

/// Returns how many requests for ConfigMaps the API server has answered, by verb and status.
fn requests(cluster: &Cluster) -> BTreeMap<String, u64> {
    let metrics = cluster.kubectl(&["get", "--raw", "/metrics"]);
    let mut counts = BTreeMap::new();
    for line in metrics.lines() {
        let Some(labels) = line.strip_prefix("apiserver_request_total{") else {
            continue;
        };
        let Some((labels, count)) = labels.rsplit_once("} ") else {
            continue;
        };
        let label = |name: &str| {
            let (_, rest) = labels.split_once(&format!("{name}=\""))?;
            rest.split('"').next()
        };
        // Lists and watches come from the API server itself.
        let (Some("configmaps"), Some(verb @ ("GET" | "PUT" | "PATCH" | "POST" | "APPLY"))) =
            (label("resource"), label("verb"))
        else {
            continue;
        };
        let dry = if label("dry_run").is_some_and(|dry| !dry.is_empty()) {
            " (dry run)"
        } else {
            ""
        };
        let kind = format!("{verb} {}{dry}", label("code").unwrap_or("?"));
        *counts.entry(kind).or_default() +=
            count.trim().parse::<f64>().map_or(0, |count| count as u64);
    }
    counts
}
