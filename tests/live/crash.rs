//! The API server is killed and comes back while everybody writes.

use std::thread::sleep;
use std::time::Duration;

use crate::crowd::{report, storm};
use crate::session::{Session, eksctl_made};

#[test]
fn writers_outlive_crashes_of_the_api_server() {
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
