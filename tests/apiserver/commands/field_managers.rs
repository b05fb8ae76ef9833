//! Other field managers of aws-auth: the warning about their next sync matches what happens.

use serde_json::json;

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, NODES, Run, map_args};
use crate::support::aws_auth_client::configmap;

const OTHER: &str = "arn:aws:iam::111122223333:role/other";

#[test]
fn later_server_side_apply_conflicts_as_warned() {
    let session = ExclusiveCluster::without_aws_auth();
    let manifest = session.file("kept.json", &configmap(NODES).to_string());
    let sync = |more: &[&str]| {
        let mut kubectl = session.cluster.kubectl_command();
        kubectl.args(["apply", "--server-side", "--field-manager=gitops", "-f"]);
        Run::of(kubectl.arg(&manifest).args(more))
    };
    sync(&[]).says(0, &[]);
    // The dry run prints the same warning.
    for more in [&["--dry-run=server"][..], &[]] {
        session.map(more).says(
            0,
            &[
                "warning: mapRoles is managed by gitops: its next sync stops with a conflict, or overwrites this if it forces",
                "hint: make the change in its source: the same awsauth command with --file PATH",
            ],
        );
    }
    let again = session.map(&[]);
    assert!(
        !again.stderr.contains("warning"),
        "nothing was changed: {again:?}"
    );

    sync(&[]).says(1, &["conflict", r#""awsauth""#, ".data.mapRoles"]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));
    sync(&["--force-conflicts"]).says(0, &[]);
    assert_eq!(session.text("mapRoles"), NODES);

    // The permanent fix.
    session
        .map(&["--file", manifest.to_str().unwrap()])
        .says(0, &[]);
    sync(&[]).says(0, &[]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));
    // A sync does not change sections that its manifest does not contain.
    let user = [
        "map",
        "user",
        "arn:aws:iam::111122223333:user/ops",
        "--username",
        "ops",
    ];
    let run = session.done(&user);
    assert!(!run.stderr.contains("warning: "), "{run:?}");
    sync(&[]).says(0, &[]);
    assert!(session.text("mapUsers").contains("user/ops"));
}

#[test]
fn field_that_awsauth_took_over_is_reported_once() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = configmap(NODES);
    object["metadata"]["labels"] = json!({"team": "platform"});
    let manifest = session.file("labelled.json", &object.to_string());
    let sync = |manager: &str, more: &[&str]| {
        let mut kubectl = session.cluster.kubectl_command();
        kubectl.args(["apply", "--server-side", "--field-manager", manager, "-f"]);
        Run::of(kubectl.arg(&manifest).args(more))
    };
    for (manager, first, forces) in [
        (
            "gitops",
            "warning: mapRoles is managed by gitops: its next sync stops with a conflict, or overwrites this if it forces",
            &[][..],
        ),
        (
            "argocd-controller",
            "warning: mapRoles is managed by argocd-controller: its next sync overwrites this",
            // As Argo CD does.
            &["--force-conflicts"],
        ),
    ] {
        session.api.delete();
        sync(manager, &[]).says(0, &[]);
        session.map(&[]).says(0, &[first]);
        let second = session.done(&map_args(OTHER));
        assert!(!second.stderr.contains("warning"), "{second:?}");
        let run = sync(manager, forces);
        if forces.is_empty() {
            run.says(1, &["conflict", r#""awsauth""#, ".data.mapRoles"]);
            let roles = session.text("mapRoles");
            assert!(roles.contains(MYTESTROLE) && roles.contains(OTHER));
        } else {
            run.says(0, &[]);
            assert_eq!(session.text("mapRoles"), NODES);
            // It owns the field again.
            session.map(&[]).says(0, &[first]);
        }
    }
}

#[test]
fn later_client_side_apply_overwrites_as_warned() {
    let session = ExclusiveCluster::without_aws_auth();
    let manifest = session.file("kept.json", &configmap(NODES).to_string());
    let manifest = manifest.to_str().unwrap();
    let sync = || session.cluster.kubectl(&["apply", "-f", manifest]);
    sync();
    let warning = "warning: mapRoles is managed by kubectl apply: the next one overwrites this";
    // After the first write, awsauth owns the field; kubectl overwrites it anyway.
    session.map(&[]).says(0, &[warning]);
    session.run(&map_args(OTHER)).says(0, &[warning]);
    let roles = session.text("mapRoles");
    assert!(roles.contains(MYTESTROLE) && roles.contains(OTHER));
    // kubectl does not change fields that it did not apply.
    let user = "arn:aws:iam::111122223333:user/ops";
    let run = session.done(&["map", "user", user, "--username", "ops"]);
    assert!(!run.stderr.contains("warning: "), "{run:?}");
    sync();
    assert_eq!(session.text("mapRoles"), NODES);
    assert!(session.text("mapUsers").contains(user));
}
