//! Writers that lose every race.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::commands::concurrent_writers::{WRITERS, role};
use crate::commands::harness::{
    ExclusiveCluster, MYTESTROLE, NODES, READER, Run, awsauth, eksctl_made, map_args,
};
use crate::commands::history::WRITER_WITHOUT_HISTORY;
use crate::commands::rbac::Objects;
use crate::commands::slow_proxy::SlowProxy;
use crate::support::aws_auth_client::Api;

/// Characters that the API server escapes in JSON, and one that it does not.
const ESCAPED: &str = "R&D <team> \u{2028}\u{2029} Zoë";

#[test]
fn writer_that_loses_every_race_reports_a_conflict() {
    let session = ExclusiveCluster::alone();
    session.put(&eksctl_made());
    let cluster = session.cluster;
    let runs: Vec<Run> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let mut command = awsauth(cluster, &cluster.kubeconfig());
                command.args(map_args(&role(writer, 0)));
                command.args(["--timeout", "400ms"]);
                scope.spawn(move || Run::of(&mut command))
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().unwrap())
            .collect()
    });
    let roles = session.text("mapRoles");
    for (writer, run) in runs.iter().enumerate() {
        let is_there = roles.contains(&format!("{}\n", role(writer, 0)));
        assert_eq!(is_there, run.status == 0, "{run:?}");
        // If even reading takes too long, the message names that as the reason.
        if !is_there && !run.stderr.contains("did not respond within") {
            run.says(5, &["kept changing for 0.4 s", "with a longer --timeout"]);
        }
    }
    let failed = runs.iter().filter(|run| run.status != 0).count();
    assert!(failed > 0, "64 writers do not fit into 400 ms");
}

#[test]
fn slow_writer_reports_a_conflict() {
    let session = ExclusiveCluster::start();
    let cluster = session.cluster;
    let slow = SlowProxy::start(&cluster.server_url(), Duration::from_millis(100));
    let kubeconfig = session.kubeconfig_with("slow.kubeconfig", &cluster.server_url(), &slow.url);
    let over = AtomicBool::new(false);
    let runs: Vec<Run> = thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !over.load(Ordering::Relaxed) {
                round += 1;
                session
                    .api
                    .change_roles(|roles| Some(format!("{roles}# {round}\n")));
                thread::sleep(Duration::from_millis(50));
            }
        });
        // The timeout expires while they wait, read or retry.
        let runs: Vec<_> = (0..6)
            .map(|nth| {
                let timeout = format!("{}ms", 1800 + nth * 100);
                let mut command = awsauth(cluster, &kubeconfig);
                command
                    .args(map_args(MYTESTROLE))
                    .args(["--timeout", &timeout]);
                scope.spawn(move || Run::of(&mut command))
            })
            .collect();
        let runs = runs.into_iter().map(|run| run.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        runs
    });
    for run in runs {
        run.says(5, &["kept changing for", "last changed by eksctl"]);
    }
    assert!(!session.text("mapRoles").contains(MYTESTROLE));
}

#[test]
fn writer_wins_against_a_client_that_changes_annotations() {
    let session = ExclusiveCluster::without_aws_auth();
    let cluster = session.cluster;
    let mut object = eksctl_made();
    object["data"]["note"] = ESCAPED.into();
    session.put(&object);
    // Every read is older than several changes when the write arrives.
    let slow = SlowProxy::start(&cluster.server_url(), Duration::from_millis(100));
    let kubeconfig = session.kubeconfig_with("slow.kubeconfig", &cluster.server_url(), &slow.url);
    let run = beside_annotations(&session, Duration::MAX, || {
        Run::of(awsauth(cluster, &kubeconfig).args(map_args(MYTESTROLE)))
    });
    run.says(0, &[]);
    let roles = session.text("mapRoles");
    assert!(roles.starts_with(NODES), "{roles}");
    assert!(roles.contains(MYTESTROLE), "{roles}");
    let stored = session.api.object();
    assert_eq!(stored["data"]["note"], ESCAPED);
    assert!(
        stored["metadata"]["annotations"]["round"].is_string(),
        "{stored}"
    );
    let history = session.done(&["history", "-o", "json"]).json();
    assert_eq!(history["revisions"].as_array().unwrap().len(), 1);
    // The copy has the text that the write replaced.
    session.done(&["undo", "--yes"]);
    assert_eq!(session.text("mapRoles"), NODES);
}

#[test]
fn writer_that_may_not_patch_replaces_the_object() {
    let session = ExclusiveCluster::start();
    let cluster = session.cluster;
    let _objects = Objects::create(&session, WRITER_WITHOUT_HISTORY);
    let slow = SlowProxy::start(&cluster.server_url(), Duration::from_millis(100));
    let reader = std::fs::read_to_string(cluster.kubeconfig_for(READER.name)).unwrap();
    let reader = reader.replace(&cluster.server_url(), &slow.url);
    let kubeconfig = session.file("slow-reader.kubeconfig", &reader);
    // It loses until the other client stops.
    let run = beside_annotations(&session, Duration::from_secs(4), || {
        Run::of(awsauth(cluster, &kubeconfig).args(map_args(MYTESTROLE)))
    });
    run.says(0, &[]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));
}

/// Runs `run` while another client changes an annotation of aws-auth, for at most `limit`.
fn beside_annotations(
    session: &ExclusiveCluster,
    limit: Duration,
    run: impl FnOnce() -> Run,
) -> Run {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let annotator = Api::of(session.cluster, "annotator");
            let started = Instant::now();
            let mut round = 0;
            while !over.load(Ordering::Relaxed) && started.elapsed() < limit {
                round += 1;
                let mut object = annotator.object();
                object["metadata"]["annotations"] = json!({"round": round.to_string()});
                // awsauth may have been faster.
                let _ = annotator.replace(&object);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let run = run();
        over.store(true, Ordering::Relaxed);
        run
    })
}
