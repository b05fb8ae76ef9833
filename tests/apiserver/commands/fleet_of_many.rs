//! `fleet` on many real API servers: one is slow, one is down, and on one another client reverts the change.
//!
//! `AWSAUTH_TEST_FLEET_SERVERS` is the number of servers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::commands::fleet::write_kubeconfig;
use crate::commands::harness::{MYTESTROLE, NODES, Run, awsauth, eksctl_made};
use crate::commands::slow_proxy::SlowProxy;
use crate::support::aws_auth_client::Api;
use crate::support::cluster::Cluster;

/// The number of servers without `AWSAUTH_TEST_FLEET_SERVERS`: each needs seconds to start.
const DEFAULT_SERVERS: usize = 3;

/// Returns the result of each cluster in a table, in the order of their names.
fn results(run: &Run) -> Vec<&str> {
    let rows = run.stdout.lines().skip(1);
    let mut cells: Vec<_> = rows.filter_map(|row| row.split_once("   ")).collect();
    cells.sort_unstable();
    cells.dedup_by_key(|(cluster, _)| *cluster);
    cells
        .into_iter()
        .filter_map(|(_, rest)| rest.trim_start().split("   ").next())
        .collect()
}

#[test]
#[allow(
    clippy::print_stderr,
    reason = "the times are the result of a run on request"
)]
fn rollout_stops_at_a_failed_proof_and_resumes() {
    let servers = std::env::var("AWSAUTH_TEST_FLEET_SERVERS")
        .map_or(DEFAULT_SERVERS, |text| text.parse().unwrap());
    assert!(servers >= 3, "the canary, a slow server and a broken one");
    let started = Instant::now();
    let clusters: Vec<Cluster> = (0..servers).map(|_| Cluster::start()).collect();
    eprintln!("{servers} servers in {:?}", started.elapsed());
    let apis: Vec<Api> = clusters.iter().map(|one| Api::of(one, "eksctl")).collect();
    for api in &apis {
        api.create(&eksctl_made()).unwrap();
    }
    let maps = |number: usize| {
        let roles = apis[number].object()["data"]["mapRoles"].clone();
        roles.as_str().unwrap().contains(MYTESTROLE)
    };
    // The canary is the first.
    let (slow, broken) = (1, servers / 2 + 1);
    let down = (servers > 4).then_some(3);
    let names: Vec<String> = (0..servers).map(|number| format!("c{number:02}")).collect();
    let proxies = [(slow, 400), (broken, 200)].map(|(number, delay)| {
        let server = clusters[number].server_url();
        (
            number,
            SlowProxy::start(&server, Duration::from_millis(delay)),
        )
    });
    let all: Vec<(&str, String, PathBuf)> = (0..servers)
        .map(|number| {
            let proxy = proxies.iter().find(|(of, _)| *of == number);
            let direct = clusters[number].server_url();
            let server = proxy.map_or(direct, |(_, proxy)| proxy.url.clone());
            (names[number].as_str(), server, clusters[number].ca())
        })
        .collect();
    let kubeconfig = write_kubeconfig(clusters[0].folder(), &all);
    let access = clusters[0].folder().join("access.yaml");
    let desired = format!("- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [admins]\n");
    std::fs::write(&access, desired).unwrap();
    let fleet = |args: &[&str]| {
        let mut command = awsauth(&clusters[0], &kubeconfig);
        command.env("AWSAUTH_TIMEOUT", "5s");
        let start = Instant::now();
        let run = Run::of(command.arg("fleet").args(args));
        eprintln!("fleet {args:?}: {:?}", start.elapsed());
        run
    };

    if let Some(down) = down {
        clusters[down].kill_apiserver();
    }
    let run = fleet(&["get", "--all-contexts"]);
    assert_eq!(run.status, if down.is_some() { 3 } else { 0 }, "{run:?}");
    for name in &names {
        assert!(run.stdout.contains(name.as_str()), "{run:?}");
    }

    let access = access.to_str().unwrap();
    let wave = if down.is_some() { "2" } else { "1" };
    let apply = ["apply", "-f", access, "--all-contexts", "--wave", wave];
    let is_over = AtomicBool::new(false);
    let run = thread::scope(|scope| {
        scope.spawn(|| {
            let other = Api::of(&clusters[broken], "gitops");
            while !is_over.load(Ordering::Relaxed) {
                let mut object = other.object();
                if object["data"]["mapRoles"] != NODES {
                    object["data"]["mapRoles"] = NODES.into();
                    let _ = other.replace(&object);
                }
            }
        });
        let run = fleet(&apply);
        is_over.store(true, Ordering::Relaxed);
        run
    });
    let reverted =
        format!("c{broken:02}: error: aws-auth was written, but another client changed it");
    run.says(7, &[&reverted, "--resume"]);
    // The waves after the one that failed have not started.
    let wave: usize = wave.parse().unwrap();
    let first_not_started = 1 + ((broken - 1) / wave + 1) * wave;
    for (number, result) in results(&run).into_iter().enumerate() {
        let expected = match number {
            _ if number == broken || Some(number) == down => "failed",
            _ if number < first_not_started => "changed",
            _ => "not started",
        };
        assert_eq!(result, expected, "c{number:02}: {run:?}");
        let is_changed = expected == "changed";
        assert!(
            Some(number) == down || maps(number) == is_changed,
            "{run:?}"
        );
    }

    if let Some(down) = down {
        clusters[down].start_apiserver();
    }
    let versions = |numbers: &[usize]| -> Vec<String> {
        let version =
            |&number: &usize| apis[number].object()["metadata"]["resourceVersion"].to_string();
        numbers.iter().map(version).collect()
    };
    let done: Vec<usize> = (0..first_not_started.min(servers))
        .filter(|number| *number != broken && Some(*number) != down)
        .collect();
    let before = versions(&done);
    let run = fleet(&[&apply[..], &["--resume"]].concat());
    run.says(0, &[]);
    for (number, result) in results(&run).into_iter().enumerate() {
        let expected = if done.contains(&number) {
            "done before"
        } else {
            "changed"
        };
        assert_eq!(result, expected, "c{number:02}: {run:?}");
        assert!(maps(number), "{run:?}");
    }
    assert_eq!(versions(&done), before, "a second write");
}
