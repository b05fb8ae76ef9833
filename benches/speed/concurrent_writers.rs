//! Many concurrent writers of one aws-auth.

use std::collections::BTreeMap;
use std::process::Command;
use std::thread;

use crate::child_process::timed_run;
use crate::other_tools;
use crate::release_binary::Awsauth;
use crate::support::cluster::Cluster;
use crate::test_aws_auth::{self, map};
use crate::timing::{Samples, milliseconds, ratio};

const WRITERS: usize = 64;
const ROUNDS: usize = 8;

pub(crate) fn run(awsauth: &Awsauth) {
    let cluster = Cluster::shared();
    println!("\n{WRITERS} concurrent writers, {ROUNDS} rounds, each with its own role");
    let kubeconfig = cluster.kubeconfig();
    let ours = storm(cluster, "awsauth map", |role| {
        awsauth.on(&kubeconfig, &map(role))
    });
    let Some(keiko) = other_tools::keiko() else {
        return;
    };
    let theirs = storm(cluster, "keikoproj aws-auth upsert --retry", |role| {
        let mut command = other_tools::on(cluster, &keiko);
        command.args(["upsert", "--maproles", "--retry", "--kubeconfig"]);
        command.arg(&kubeconfig);
        command.args(["--retry-max-count", "1000"]);
        command.args(["--rolearn", role, "--username", "admin"]);
        command.args(["--groups", "system:masters"]);
        command
    });
    let at_99 = ours.percentile(99).as_secs_f64() / theirs.percentile(99).as_secs_f64();
    println!("p99 relative to keikoproj: {}", ratio(at_99, Some(0.7)));
}

/// Lets all writers write, and prints what they needed.
fn storm(cluster: &Cluster, name: &str, command: impl Fn(&str) -> Command + Sync) -> Samples {
    test_aws_auth::create(cluster);
    timed_run(&mut test_aws_auth::patch_back(cluster));
    let before = requests(cluster);
    let durations = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let command = &command;
                scope.spawn(move || {
                    let role =
                        |round| format!("arn:aws:iam::111122223333:role/writer-{writer}-{round}");
                    (0..ROUNDS)
                        .map(|round| timed_run(&mut command(&role(round))))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let ended = writers
            .into_iter()
            .flat_map(|writer| writer.join().expect("all writers succeed"));
        Samples::new(ended.collect())
    });
    let after = requests(cluster);

    let written = WRITERS * ROUNDS;
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
    println!(
        "{name}: succeeded {written} of {written}, stored {stored}; p50 {}, p99 {}",
        milliseconds(durations.percentile(50)),
        milliseconds(durations.percentile(99))
    );
    let mut all = 0;
    let mut by_kind = Vec::new();
    for (kind, count) in &after {
        let count = count - before.get(kind).unwrap_or(&0);
        if count > 0 {
            all += count;
            by_kind.push(format!("{count} {kind}"));
        }
    }
    println!(
        "requests per success: {:.2} ({})",
        all as f64 / written as f64,
        by_kind.join(", ")
    );
    durations
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
