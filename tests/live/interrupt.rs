//! Ctrl-C at any moment of a write leaves all of it or nothing, and says which.

use std::thread::{scope, sleep};
use std::time::Duration;

use crate::session::{MYTESTROLE, NODES, Run, Running, Session, awsauth, eventually, map_args};
use crate::slow::Slow;

#[test]
fn an_interrupted_write_says_whether_it_was_written() {
    let session = Session::start();
    let cluster = session.cluster;
    let (_slow, kubeconfig) = slowly(&session, Duration::from_millis(150));
    let role = |moment: u32| format!("arn:aws:iam::111122223333:role/interrupted-{moment}");
    let (kubeconfig, role) = (&kubeconfig, &role);
    // From before the first byte to after the last: with nobody in between, four answers take 300 ms each.
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
            // Before the program listens, the signal ends it as it ends any other.
            _ => assert!(run.status == -1 && !is_there, "{run:?}"),
        }
    }
    let not_written = runs.iter().filter(|run| run.status == 130).count();
    assert!(not_written > 0, "{runs:?}");
}

#[test]
fn a_write_under_way_is_awaited() {
    let session = Session::start();
    let (_slow, run) = written_but_unanswered(&session);
    run.interrupt();
    run.end().says(
        130,
        &[
            "interrupted; the change was written",
            "hint: see what is stored: awsauth get",
        ],
    );
}

#[test]
fn a_write_whose_answer_never_comes_is_said_to_be_unknown() {
    let session = Session::start();
    let (slow, run) = written_but_unanswered(&session);
    slow.swallow_answers();
    run.interrupt();
    run.end().says(
        130,
        &[
            "interrupted; it is not known whether the change was written",
            "running this again is safe",
        ],
    );
    let stored = session.resource_version();
    session.map(&[]).says(0, &[]);
    assert_eq!(session.resource_version(), stored);
}

/// A run whose write the API server has carried out, with the answer still on its way.
fn written_but_unanswered(session: &Session) -> (Slow, Running) {
    let (slow, kubeconfig) = slowly(session, Duration::from_millis(500));
    let run = Running::start(awsauth(session.cluster, &kubeconfig), &map_args(MYTESTROLE));
    eventually(|| session.text("mapRoles").contains(MYTESTROLE));
    (slow, run)
}

fn slowly(session: &Session, delay: Duration) -> (Slow, std::path::PathBuf) {
    let server = session.cluster.server_url();
    let slow = Slow::way_to(&server, delay);
    let kubeconfig = session.kubeconfig_with("slow.kubeconfig", &server, &slow.url);
    (slow, kubeconfig)
}
