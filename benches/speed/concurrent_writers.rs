//! Many concurrent writers of one aws-auth.

use std::collections::BTreeMap;
use std::thread;

use crate::aws_auth::{self, map};
use crate::program::{Awsauth, timed_run};
use crate::support::cluster::Cluster;
use crate::timing::{Samples, milliseconds};

const WRITERS: usize = 64;
const ROUNDS: usize = 4;

pub(crate) fn run(awsauth: &Awsauth) {
    let cluster = Cluster::shared();
    aws_auth::create(cluster);
    let kubeconfig = cluster.kubeconfig();
    let before = requests(cluster);
    let durations = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let kubeconfig = &kubeconfig;
                scope.spawn(move || {
                    let role =
                        |round| format!("arn:aws:iam::111122223333:role/writer-{writer}-{round}");
                    (0..ROUNDS)
                        .map(|round| timed_run(&mut awsauth.on(kubeconfig, &map(&role(round)))))
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
    println!("\n{WRITERS} concurrent writers, {ROUNDS} rounds, each with its own role");
    println!("succeeded {written} of {written}, stored {stored}");
    println!(
        "one run: p50 {}, p99 {}",
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
