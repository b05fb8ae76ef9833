//! Concurrent writes while the API server crashes.

use std::thread::sleep;
use std::time::Duration;

use crate::commands::concurrent_writers::{report, run_writers};
use crate::commands::harness::{ExclusiveCluster, eksctl_made};

#[test]
fn writers_survive_api_server_crashes() {
    let session = ExclusiveCluster::alone();
    session.put(&eksctl_made());
    let result = run_writers(&session, || {
        for _ in 0..2 {
            sleep(Duration::from_secs(2));
            session.cluster.restart_apiserver();
        }
    });
    let kept = format!(
        "two restarts, {} copies in the cluster",
        result.kept_in_cluster
    );
    report("concurrent writers and crashes", result.took, &kept);
}
