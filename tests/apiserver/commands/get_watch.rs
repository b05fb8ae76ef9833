//! `get --watch`.

use std::fs;

use crate::commands::harness::{ExclusiveCluster, Running, eventually};
use crate::support::aws_auth_client::configmap;
use crate::support::secrets;

#[test]
fn watch_prints_the_entries_after_each_change() {
    let session = ExclusiveCluster::start();
    let entry = |name: &str| {
        configmap(&format!(
            "- rolearn: arn:aws:iam::111122223333:role/{name}\n  username: {name}\n"
        ))
    };
    session.put(&entry("one"));
    let printed = tempfile::NamedTempFile::new().unwrap();
    let stdout = printed.reopen().unwrap();
    let mut watch = Running::start_into(
        session.command(),
        &["get", "--watch", "-o", "name", "--username", "*o*"],
        stdout.into(),
    );
    let prints = |expected: &str| {
        eventually(|| {
            let text = fs::read_to_string(printed.path()).unwrap();
            secrets::assert_none_in(&text);
            text == expected
        });
    };
    prints("arn:aws:iam::111122223333:role/one\n");
    session.put(&entry("two"));
    prints("arn:aws:iam::111122223333:role/one\narn:aws:iam::111122223333:role/two\n");
    assert!(!watch.is_over());
    watch.interrupt();
    watch
        .end()
        .says(130, &["aws-auth changed (resource version "]);
}
