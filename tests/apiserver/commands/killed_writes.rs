//! A run that is killed at any request leaves a complete aws-auth and a correct history.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use crate::commands::halting_proxy::HaltingProxy;
use crate::commands::harness::{ExclusiveCluster, Running, awsauth, eventually, map_args};
use crate::support::aws_auth_client::Api;

/// More requests than a run has.
const ENOUGH: u32 = 40;

#[test]
fn write_killed_at_each_request_leaves_the_old_or_the_new_state() {
    let session = ExclusiveCluster::start();
    let mut outcomes = Outcomes::default();
    for is_delivered in [false, true] {
        let whole_run = (1..=ENOUGH)
            .find(|last_request| !killed_at(*last_request, is_delivered, &session, &mut outcomes));
        assert!(whole_run.is_some(), "no run came to its end");
    }
    assert!(
        outcomes.nothing > 0 && outcomes.copy_alone > 0,
        "{outcomes:?}"
    );
    assert!(outcomes.written > 0, "{outcomes:?}");
}

/// Repeats the test while another client writes to the history, so that revisions are first stored in files.
#[test]
fn write_killed_at_each_request_keeps_concurrent_changes() {
    let session = ExclusiveCluster::start();
    let home = session.cluster.folder().join(".local/state/awsauth");
    let is_over = AtomicBool::new(false);
    let mut outcomes = Outcomes::default();
    let mut in_files = 0;
    scope(|scope| {
        let _end = StopOnDrop(&is_over);
        scope.spawn(|| {
            let others = Api::of(session.cluster, "others");
            for times in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                others.touch_history(times);
            }
        });
        // On a slow machine, the other client may not write during the first runs.
        for _ in 0..10 {
            for last_request in 1..=ENOUGH {
                let is_killed = killed_at(last_request, true, &session, &mut outcomes);
                let folders = std::fs::read_dir(&home).into_iter().flatten().flatten();
                let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap());
                in_files += files.count();
                let _ = std::fs::remove_dir_all(&home);
                if !is_killed {
                    break;
                }
            }
            if in_files > 0 && outcomes.written > 0 {
                break;
            }
        }
    });
    assert!(
        in_files > 0 && outcomes.written > 0,
        "{in_files} {outcomes:?}"
    );
}

/// Stops the other client, also if the test fails.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The states after killed runs.
#[derive(Debug, Default)]
struct Outcomes {
    nothing: u32,
    copy_alone: u32,
    written: u32,
}

/// Runs a write that is killed at this request. Returns `false` if the write ended before.
fn killed_at(
    last_request: u32,
    is_delivered: bool,
    session: &ExclusiveCluster,
    outcomes: &mut Outcomes,
) -> bool {
    let cluster = session.cluster;
    let server = cluster.server_url();
    let proxy = HaltingProxy::start(&server, last_request, is_delivered);
    let kubeconfig = session.kubeconfig_with("halted.kubeconfig", &server, &proxy.url);
    let role = format!("arn:aws:iam::111122223333:role/killed-{last_request}-{is_delivered}");
    let before = session.text("mapRoles");
    // So that no revision has to be removed.
    session.api.delete_history();
    session.map(&[]).says(0, &[]);
    session.done(&["undo"]);
    let copies = revisions(session).len();
    let mut run = Running::start(awsauth(cluster, &kubeconfig), &map_args(&role));
    eventually(|| proxy.is_halted() || run.is_over());
    let is_whole_run = !proxy.is_halted();
    // Dropping kills it.
    drop(run);
    let after = session.text("mapRoles");
    let then = revisions(session);
    let last = then.last().unwrap();
    if after == before {
        match then.len() > copies {
            true => {
                assert_eq!(last["then"], "void", "{then:?}");
                outcomes.copy_alone += 1;
            }
            false => outcomes.nothing += 1,
        }
        // The next run succeeds.
        session.done(&map_args(&role));
    } else {
        let added = after.strip_prefix(&before).unwrap();
        let lines = ["rolearn: ", &role, "username: admin", "- system:masters"];
        assert!(lines.iter().all(|part| added.contains(part)), "{after}");
        assert_eq!(then.len(), copies + 1, "{then:?}");
        assert_eq!(last["then"], "kept", "{then:?}");
        outcomes.written += 1;
    }
    session.done(&["undo"]);
    assert_eq!(session.text("mapRoles"), before);
    !is_whole_run
}

/// The revisions in the cluster, at most 20.
fn revisions(session: &ExclusiveCluster) -> Vec<serde_json::Value> {
    let list = session.done(&["history", "-o", "json"]).json();
    list["revisions"].as_array().unwrap().clone()
}
