//! `map --expires` and `expire` on a real API server.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::commands::harness::{ExclusiveCluster, NODES};
use crate::commands::rbac::Objects;

const ONCALL: &str = "arn:aws:iam::111122223333:role/oncall";

fn map(session: &ExclusiveCluster, arn: &str, expires: &str) {
    let map = [
        "map",
        "role",
        arn,
        "--username",
        "oncall",
        "--group",
        "view",
    ];
    let run = session.run(&[&map[..], &["--expires", expires]].concat());
    run.says(0, &["role/", " expires at "]);
}

#[test]
fn expired_entry_is_removed_at_its_time() {
    let session = ExclusiveCluster::start();
    let before = session.text("mapRoles");
    let expires_at = Timestamp::now() + SignedDuration::from_secs(15);
    map(&session, ONCALL, &expires_at.to_string());
    let get = session.run(&["get"]);
    assert!(get.stdout.contains("EXPIRES"), "{get:?}");
    let run = session.run(&["expire"]);
    run.says(0, &["Nothing has expired. The next entry expires at "]);
    assert!(session.text("mapRoles").contains(ONCALL));
    while Timestamp::now() < expires_at + SignedDuration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(100));
    }
    let run = session.run(&["lint", "--fail-on", "error"]);
    assert!(run.stdout.contains("N18 entry-expired"), "{run:?}");
    // The authenticator does not know about expiry.
    let get = session.run(&["get", "-o", "wide"]);
    get.says(
        0,
        &[
            "warning: 1 entry has expired, and still gives access\n",
            "awsauth expire\n",
        ],
    );
    assert!(
        get.stdout.contains(&format!("{expires_at}: expired ")),
        "{get:?}"
    );
    assert!(
        get.stdout
            .contains("effective: expired, and still gives access"),
        "{get:?}"
    );
    session.run(&["explain", ONCALL]).says(
        0,
        &[
            &format!("warning: this entry expired at {expires_at}, and still gives access\n"),
            "hint: end it: awsauth expire\n",
        ],
    );
    let _bound = Objects::create(
        &session,
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: view, namespace: default}\n\
         roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\n\
         subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: view}]\n",
    );
    session.run(&["who-can", "-n", "default"]).says(
        0,
        &["warning: 1 entry has expired, and still gives access\n"],
    );
    let report = session.run(&["report"]);
    assert!(
        report.stdout.contains(&format!(
            "oncall (expired {expires_at}, still gives access)"
        )),
        "{report:?}"
    );
    session.run(&["expire", "--dry-run"]).says(0, &[]);
    assert!(session.text("mapRoles").contains(ONCALL));
    let run = session.run(&["expire"]);
    run.says(0, &[]);
    assert!(
        run.stdout.contains("mapping role/oncall deleted"),
        "{run:?}"
    );
    assert_eq!(session.text("mapRoles"), before);
    let run = session.run(&["expire"]);
    run.says(0, &["Nothing has expired, and no entry has an expiry time"]);
    // An undo restores the entry with its time, which has passed.
    session.run(&["undo"]).says(0, &[]);
    assert!(session.text("mapRoles").contains(ONCALL));
    session.run(&["expire"]).says(0, &[]);
    assert_eq!(session.text("mapRoles"), before);
}

#[test]
fn entry_that_another_client_changed_stays() {
    let session = ExclusiveCluster::start();
    map(&session, ONCALL, "1s");
    session
        .api
        .change_roles(|roles| Some(roles.replace("username: oncall", "username: permanent")));
    std::thread::sleep(Duration::from_secs(3));
    let run = session.run(&["expire"]);
    run.says(
        0,
        &[
            "role/oncall at mapRoles line ",
            "but has been changed in the meantime (",
            " is the last writer of mapRoles, at ",
            "Nothing has expired",
        ],
    );
    let roles = session.text("mapRoles");
    assert!(
        roles.starts_with(NODES) && roles.contains("permanent"),
        "{roles}"
    );
    let get = session.run(&["get"]);
    assert!(get.stdout.contains("never: changed afterwards"), "{get:?}");
}
