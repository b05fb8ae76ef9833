//! Somebody else keeps aws-auth: what we say about their next sync is what it does.

use crate::api::configmap;
use crate::session::{MYTESTROLE, NODES, Run, Session};

#[test]
fn a_server_side_apply_that_follows_conflicts_as_told() {
    let session = Session::without_aws_auth();
    let manifest = session.file("kept.json", &configmap(NODES).to_string());
    let sync = |more: &[&str]| {
        let mut kubectl = session.cluster.kubectl_command();
        kubectl.args(["apply", "--server-side", "--field-manager=gitops", "-f"]);
        Run::of(kubectl.arg(&manifest).args(more))
    };
    sync(&[]).says(0, &[]);
    // Trying tells as much as doing.
    for more in [&["--dry-run=server"][..], &[]] {
        session.map(more).says(
            0,
            &[
                "warning: mapRoles is kept by gitops, whose next sync will fail with a conflict, or overwrite this change if it forces",
                "hint: make the change where it is kept: the same awsauth command with --file PATH",
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

    // The lasting way.
    session
        .map(&["--file", manifest.to_str().unwrap()])
        .says(0, &[]);
    sync(&[]).says(0, &[]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));
    // What they do not keep is no matter of theirs.
    let user = [
        "map",
        "user",
        "arn:aws:iam::111122223333:user/ops",
        "--username",
        "ops",
    ];
    let run = session.done(&user);
    assert!(!run.stderr.contains("warning"), "{run:?}");
    sync(&[]).says(0, &[]);
    assert!(session.text("mapUsers").contains("user/ops"));
}

#[test]
fn a_client_side_apply_that_follows_overwrites_as_told() {
    let session = Session::without_aws_auth();
    let manifest = session.file("kept.json", &configmap(NODES).to_string());
    let manifest = manifest.to_str().unwrap();
    let sync = || session.cluster.kubectl(&["apply", "-f", manifest]);
    sync();
    session.map(&[]).says(0, &["warning: mapRoles is kept by kubectl-client-side-apply, whose next sync will overwrite this change"]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));
    sync();
    assert_eq!(session.text("mapRoles"), NODES);
}
