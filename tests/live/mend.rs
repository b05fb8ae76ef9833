//! `lint --fix` on the live ConfigMap: planned, guarded, tried and kept as any write.

use crate::session::{NODES, Session, eksctl_made};

/// An entry with a path, one whose groups are lost, and one that people have to look at.
const WRONG: &str = "\
- rolearn: arn:aws:iam::111122223333:role/team/dev # the developers
  username: dev
  groups: developers
- rolearn: arn:aws:iam::111122223333:role/ops
  username: ops
  groups: [view]
";

#[test]
fn what_is_sure_is_mended_and_the_rest_is_told() {
    let session = Session::without_aws_auth();
    let mut object = eksctl_made();
    object["data"]["mapRoles"] = format!("{NODES}{WRONG}").into();
    session.put(&object);
    let before = session.api.object();

    let dry = session.run(&["lint", "--fix", "--dry-run", "--select", "R,S,G03"]);
    dry.says(1, &["Would mend mapRoles:6: R03 role-path"]);
    assert!(dry.stdout.contains("(server dry run)"), "{dry:?}");
    assert!(
        dry.stdout
            .contains("+- rolearn: arn:aws:iam::111122223333:role/dev # the developers"),
        "{dry:?}"
    );
    assert_eq!(session.api.object()["data"], before["data"]);

    let run = session.run(&["lint", "--fix", "--select", "R,S,G03"]);
    run.says(
        0,
        &[
            "Mended mapRoles:6: R03 role-path",
            "Mended mapRoles:8: S10 groups-not-a-list",
        ],
    );
    assert!(run.stdout.contains("warning[G03"), "{run:?}");
    let mended = WRONG
        .replace("role/team/dev", "role/dev")
        .replace("groups: developers", "groups: [developers]");
    assert_eq!(session.text("mapRoles"), format!("{NODES}{mended}"));

    let after = session.api.object();
    session
        .run(&["lint", "--fix", "--select", "R,S,G03"])
        .says(0, &["Found 1 warning"]);
    assert_eq!(session.api.object(), after, "nothing to mend, nothing sent");
    // It brings back what was wrong, and so has to be asked for.
    session
        .run(&["undo"])
        .says(4, &["lint-regression", "--allow R03 --allow S10"]);
    session.done(&["undo", "--allow", "R03", "--allow", "S10"]);
    assert_eq!(session.api.object()["data"], before["data"]);
}

#[test]
fn an_entry_of_nodes_is_guarded() {
    let session = Session::without_aws_auth();
    let mut object = eksctl_made();
    let roles = NODES.replace("  rolearn", "  - System:node-proxier\n  rolearn");
    object["data"]["mapRoles"] = roles.clone().into();
    session.put(&object);
    let run = session.run(&["lint", "--fix"]);
    run.says(4, &["node-guard", "--allow-node-entry"]);
    assert_eq!(session.text("mapRoles"), roles);
}
