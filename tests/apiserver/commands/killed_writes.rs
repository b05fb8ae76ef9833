//! A run that is killed at any request leaves a complete aws-auth and a correct history.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use crate::commands::halt::Halt;
use crate::commands::session::{Running, Session, awsauth, eventually, map_args};
use crate::support::aws_auth_client::Api;

/// More requests than a run has.
const ENOUGH: u32 = 40;

#[test]
fn write_killed_at_each_request_leaves_the_old_or_the_new_state() {
    let session = Session::start();
    let mut seen = Seen::default();
    for arrives in [false, true] {
        let whole_run = (1..=ENOUGH).find(|turn| !killed_at(*turn, arrives, &session, &mut seen));
        assert!(whole_run.is_some(), "no run came to its end");
    }
    assert!(seen.nothing > 0 && seen.copy_alone > 0, "{seen:?}");
    assert!(seen.written > 0, "{seen:?}");
}

/// The same while another client writes to the history, so that copies are first stored in files.
#[test]
fn write_killed_at_each_request_keeps_concurrent_changes() {
    let session = Session::start();
    let home = session.cluster.folder().join(".local/state/awsauth");
    let is_over = AtomicBool::new(false);
    let mut seen = Seen::default();
    let mut in_files = 0;
    scope(|scope| {
        let _end = End(&is_over);
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
            for turn in 1..=ENOUGH {
                let is_killed = killed_at(turn, true, &session, &mut seen);
                let folders = std::fs::read_dir(&home).into_iter().flatten().flatten();
                let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap());
                in_files += files.count();
                let _ = std::fs::remove_dir_all(&home);
                if !is_killed {
                    break;
                }
            }
            if in_files > 0 && seen.written > 0 {
                break;
            }
        }
    });
    assert!(in_files > 0 && seen.written > 0, "{in_files} {seen:?}");
}

/// Stops the other client, also if the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The states after killed runs.
#[derive(Debug, Default)]
struct Seen {
    nothing: u32,
    copy_alone: u32,
    written: u32,
}

/// Runs a write that is killed at this request. Returns `false` if the write ended before.
fn killed_at(turn: u32, arrives: bool, session: &Session, seen: &mut Seen) -> bool {
    let cluster = session.cluster;
    let server = cluster.server_url();
    let way = Halt::at(&server, turn, arrives);
    let kubeconfig = session.kubeconfig_with("halted.kubeconfig", &server, &way.url);
    let role = format!("arn:aws:iam::111122223333:role/killed-{turn}-{arrives}");
    let before = session.text("mapRoles");
    // So that no revision has to be removed.
    session.api.delete_history();
    session.map(&[]).says(0, &[]);
    session.done(&["undo"]);
    let copies = revisions(session).len();
    let mut run = Running::start(awsauth(cluster, &kubeconfig), &map_args(&role));
    eventually(|| way.is_over() || run.is_over());
    let is_whole_run = !way.is_over();
    // Dropping kills it.
    drop(run);
    bring_files_home(session, &way.url);
    let after = session.text("mapRoles");
    let then = revisions(session);
    let last = then.last().unwrap();
    if after == before {
        match then.len() > copies {
            true => {
                assert_eq!(last["then"], "void", "{then:?}");
                seen.copy_alone += 1;
            }
            false => seen.nothing += 1,
        }
        // The next run succeeds.
        session.done(&map_args(&role));
    } else {
        let added = after.strip_prefix(&before).unwrap();
        let lines = ["rolearn: ", &role, "username: admin", "- system:masters"];
        assert!(lines.iter().all(|part| added.contains(part)), "{after}");
        assert_eq!(then.len(), copies + 1, "{then:?}");
        assert_eq!(last["then"], "kept", "{then:?}");
        seen.written += 1;
    }
    session.done(&["undo"]);
    assert_eq!(session.text("mapRoles"), before);
    !is_whole_run
}

/// Moves the files of a run through the proxy, which are stored under the proxy's address.
fn bring_files_home(session: &Session, url: &str) {
    let state = session.cluster.folder().join(".local/state/awsauth");
    let of = |url: &str| {
        let host = url.trim_start_matches("https://").replace(':', "_");
        state.join(format!("cluster-{host}"))
    };
    let Ok(files) = std::fs::read_dir(of(url)) else {
        return;
    };
    let home = of(&session.cluster.server_url());
    std::fs::create_dir_all(&home).unwrap();
    for file in files.flatten() {
        std::fs::rename(file.path(), home.join(file.file_name())).unwrap();
    }
}

/// The revisions in the cluster, at most 20.
fn revisions(session: &Session) -> Vec<serde_json::Value> {
    let list = session.done(&["history", "-o", "json"]).json();
    list["revisions"].as_array().unwrap().clone()
}
