//! Concurrent writes while the API server crashes.

use std::thread::sleep;
use std::time::Duration;

use crate::commands::concurrent_writers::{report, storm};
use crate::commands::session::{Session, eksctl_made};

#[test]
fn writers_survive_api_server_crashes() {
    let session = Session::alone();
    session.put(&eksctl_made());
    let storm = storm(&session, || {
        for _ in 0..2 {
            sleep(Duration::from_secs(2));
            session.cluster.restart_apiserver();
        }
    });
    let kept = format!(
        "two restarts, {} copies in the cluster",
        storm.kept_in_cluster
    );
    report("storm with crashes", storm.took, &kept);
}
