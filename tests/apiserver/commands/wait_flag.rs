//! Waiting for the API server and aws-auth after cluster creation.

use std::thread::sleep;
use std::time::Duration;

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, NODES, Running, map_args};
use crate::support::aws_auth_client::configmap;

#[test]
fn wait_covers_a_late_server_and_a_late_configmap() {
    let session = ExclusiveCluster::that_may_crash();
    session.cluster.kill_apiserver();
    let args = [
        &map_args(MYTESTROLE)[..],
        &["--wait", "2m", "--wait-for-configmap"],
    ]
    .concat();
    let mut run = Running::start(session.command(), &args);
    let gone = session.run(&["get", "--wait", "1s"]);
    let interrupted = Running::start(session.command(), &["get", "--wait", "2m"]);
    sleep(Duration::from_millis(1500));
    interrupted.interrupt();
    let interrupted = interrupted.end();
    assert!(!run.is_over());
    session.cluster.start_apiserver();
    sleep(Duration::from_secs(5));
    assert!(!run.is_over(), "there is no aws-auth yet");
    session.put(&configmap(NODES));
    let run = run.end();
    run.says(
        0,
        &[
            "Waiting for the API server: nothing answers at",
            "Waiting for the ConfigMap aws-auth: it does not exist yet",
            "Wrote aws-auth to context admin",
        ],
    );
    let roles = session.text("mapRoles");
    assert!(
        roles.starts_with(NODES) && roles.contains(MYTESTROLE),
        "{roles}"
    );

    gone.says(
        3,
        &[
            "error: cannot use context admin",
            "nothing answers at",
            "get --raw /readyz",
        ],
    );
    interrupted.says(130, &["interrupted; nothing was written"]);
    session.api.delete();
    let missing = session.run(&["get", "--wait", "1s", "--wait-for-configmap"]);
    missing.says(
        3,
        &[
            "there was no aws-auth within 1 s",
            "hint: wait longer with --wait DURATION",
        ],
    );
    session.done(&["get", "--wait", "1s"]);
}
