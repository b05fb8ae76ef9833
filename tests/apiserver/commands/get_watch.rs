//! `get --watch`.

use std::time::Duration;

use crate::commands::exclusive_cluster::{ExclusiveCluster, Running, eventually};
use crate::support::aws_auth_client::configmap;

#[test]
fn watch_prints_the_entries_after_each_change() {
    let session = ExclusiveCluster::start();
    let entry = |name: &str| {
        configmap(&format!(
            "- rolearn: arn:aws:iam::111122223333:role/{name}\n  username: {name}\n"
        ))
    };
    session.put(&entry("one"));
    let before = session.updates().reads;
    let mut watch = Running::start(
        session.command(),
        &["get", "--watch", "-o", "name", "--username", "*o*"],
    );
    // It has read aws-auth at least once.
    eventually(|| session.updates().reads > before);
    session.put(&entry("two"));
    std::thread::sleep(Duration::from_secs(5));
    assert!(!watch.is_over());
    watch.interrupt();
    let run = watch.end();
    run.says(130, &["aws-auth changed (resource version "]);
    assert_eq!(
        run.stdout,
        "arn:aws:iam::111122223333:role/one\narn:aws:iam::111122223333:role/two\n"
    );
}
