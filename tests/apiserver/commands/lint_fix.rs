//! `lint --fix` on the live ConfigMap: planned, guarded and recorded like every write.

use crate::commands::harness::{ExclusiveCluster, NODES, eksctl_made};

/// An entry with an IAM path, one whose groups are ignored, and one that only the user can fix.
const WRONG: &str = "\
- rolearn: arn:aws:iam::111122223333:role/team/dev # the developers
  username: dev
  groups: developers
- rolearn: arn:aws:iam::111122223333:role/ops
  username: ops
  groups: [view]
";

#[test]
fn fix_applies_safe_fixes_and_reports_the_rest() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = eksctl_made();
    object["data"]["mapRoles"] = format!("{NODES}{WRONG}").into();
    session.put(&object);
    let before = session.api.object();

    let dry = session.run(&["lint", "--fix", "--dry-run", "--select", "R,S,G03"]);
    dry.says(1, &["Would fix mapRoles:6: R03 role-path"]);
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
            "Fixed mapRoles:6: R03 role-path",
            "Fixed mapRoles:8: S10 groups-not-a-list",
        ],
    );
    assert!(run.stdout.contains("warning[G03"), "{run:?}");
    let fixed = WRONG
        .replace("role/team/dev", "role/dev")
        .replace("groups: developers", "groups: [developers]");
    assert_eq!(session.text("mapRoles"), format!("{NODES}{fixed}"));

    let after = session.api.object();
    session
        .run(&["lint", "--fix", "--select", "R,S,G03"])
        .says(0, &["Found 1 warning"]);
    assert_eq!(session.api.object(), after, "nothing to mend, nothing sent");
    // The undo restores a finding, so it needs confirmation.
    session
        .run(&["undo"])
        .says(4, &["lint-regression", "--allow R03 --allow S10"]);
    session.done(&["undo", "--allow", "R03", "--allow", "S10"]);
    assert_eq!(session.api.object()["data"], before["data"]);
}

#[test]
fn fix_of_a_node_entry_is_guarded() {
    let session = ExclusiveCluster::without_aws_auth();
    let mut object = eksctl_made();
    let roles = NODES.replace("  rolearn", "  - System:node-proxier\n  rolearn");
    object["data"]["mapRoles"] = roles.clone().into();
    session.put(&object);
    let run = session.run(&["lint", "--fix"]);
    run.says(4, &["node-guard", "--allow-node-entry"]);
    assert_eq!(session.text("mapRoles"), roles);
}
