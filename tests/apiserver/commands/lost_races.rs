//! Writers that lose every race.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::commands::concurrent_writers::{WRITERS, role};
use crate::commands::exclusive_cluster::{
    ExclusiveCluster, MYTESTROLE, Run, awsauth, eksctl_made, map_args,
};
use crate::commands::slow_proxy::SlowProxy;

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
