//! Ctrl-C during a write: the message states whether the change was written.

use std::thread::{scope, sleep};
use std::time::Duration;

use crate::commands::harness::{
    ExclusiveCluster, MYTESTROLE, NODES, Run, Running, awsauth, eventually, map_args,
};
use crate::commands::slow_proxy::SlowProxy;

#[test]
fn interrupted_write_reports_whether_it_was_stored() {
    let session = ExclusiveCluster::start();
    let cluster = session.cluster;
    let (_slow, kubeconfig) = through_slow_proxy(&session, Duration::from_millis(150));
    let role = |moment: u32| format!("arn:aws:iam::111122223333:role/interrupted-{moment}");
    let (kubeconfig, role) = (&kubeconfig, &role);
    // From before the first request to after the last: each of the four responses takes 300 ms.
    let runs: Vec<Run> = scope(|scope| {
        let moments: Vec<_> = (0..16)
            .map(|moment| {
                scope.spawn(move || {
                    let run =
                        Running::start(awsauth(cluster, kubeconfig), &map_args(&role(moment)));
                    sleep(Duration::from_millis(100) * moment);
                    run.interrupt();
                    run.end()
                })
            })
            .collect();
        moments.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let roles = session.text("mapRoles");
    assert!(roles.starts_with(NODES), "{roles}");
    for (run, moment) in runs.iter().zip(0..) {
        let is_there = roles.contains(&format!("{}\n", role(moment)));
        match run.status {
            0 => assert!(is_there, "{run:?}"),
            130 if is_there => run.says(130, &["interrupted; the change was written"]),
            130 => run.says(130, &["interrupted; nothing was written"]),
            // Before the program handles the signal, the default action ends it.
            _ => assert!(run.status == -1 && !is_there, "{run:?}"),
        }
    }
    let not_written = runs.iter().filter(|run| run.status == 130).count();
    assert!(not_written > 0, "{runs:?}");
}

#[test]
fn interrupt_waits_for_the_write_in_flight() {
    let session = ExclusiveCluster::start();
    let (_slow, run) = write_without_response(&session);
    run.interrupt();
    run.end().says(
        130,
        &[
            "interrupted; the change was written",
            "hint: check what is stored: awsauth get",
        ],
    );
}

#[test]
fn interrupted_write_without_a_response_is_reported_as_unknown() {
    let session = ExclusiveCluster::start();
    let (slow, run) = write_without_response(&session);
    slow.drop_responses();
    run.interrupt();
    run.end().says(
        130,
        &[
            "interrupted; it is unknown whether the change was written",
            "it is safe to run this again",
        ],
    );
    let stored = session.resource_version();
    session.map(&[]).says(0, &[]);
    assert_eq!(session.resource_version(), stored);
}

/// Starts a run whose write is stored, but whose response is delayed.
fn write_without_response(session: &ExclusiveCluster) -> (SlowProxy, Running) {
    let (slow, kubeconfig) = through_slow_proxy(session, Duration::from_millis(500));
    let run = Running::start(awsauth(session.cluster, &kubeconfig), &map_args(MYTESTROLE));
    eventually(|| session.text("mapRoles").contains(MYTESTROLE));
    (slow, run)
}

fn through_slow_proxy(
    session: &ExclusiveCluster,
    delay: Duration,
) -> (SlowProxy, std::path::PathBuf) {
    let server = session.cluster.server_url();
    let slow = SlowProxy::start(&server, delay);
    let kubeconfig = session.kubeconfig_with("slow.kubeconfig", &server, &slow.url);
    (slow, kubeconfig)
}
