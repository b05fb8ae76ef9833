//! Changes of all entries that match conditions, and comparisons of a cluster with a file.

use serde_json::json;

use crate::commands::harness::{ExclusiveCluster, NODES};
use crate::commands::rbac::Objects;

const PEOPLE: &str = "\
- rolearn: arn:aws:iam::111122223333:role/dev   # team of Ann
  username: dev
  groups:
  - contractors   # until May
  - viewers
- {rolearn: 'arn:aws:iam::111122223333:role/ops', username: ops, groups: [operators]}
";
const USERS: &str =
    "- {userarn: 'arn:aws:iam::111122223333:user/bob', username: bob, groups: [contractors]}\n";

fn with_people() -> ExclusiveCluster {
    let session = ExclusiveCluster::start();
    let roles = format!("{NODES}{PEOPLE}");
    let data = json!({"mapRoles": roles, "mapUsers": USERS, "mapAccounts": "[]\n"});
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": data,
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
    });
    session.put(&object);
    session
}

#[test]
fn entries_are_removed_by_condition_in_one_write_that_undo_reverts() {
    let session = with_people();
    let unmap = ["unmap", "--group", "contractors"];
    session.run(&unmap).says(
        4,
        &["refused (mass-removal): 2 of 4 mappings would be removed: arn:aws:iam::111122223333:role/dev, arn:aws:iam::111122223333:user/bob\n"],
    );
    let before = session.updates();
    let run = session.done(&[&unmap[..], &["--allow-removals", "2"]].concat());
    assert_eq!(
        run.stdout,
        "Access:\n- arn:aws:iam::111122223333:role/dev loses user dev in groups contractors, viewers\n- arn:aws:iam::111122223333:user/bob loses user bob in group contractors\nmapping role/dev deleted\nmapping user/bob deleted\n"
    );
    let aws_auth = session.text("mapRoles");
    assert!(
        aws_auth.starts_with(NODES) && aws_auth.contains("role/ops"),
        "{aws_auth}"
    );
    assert!(!aws_auth.contains("Ann"), "{aws_auth}");
    assert_eq!(session.text("mapUsers"), "[]\n");
    // One for the history, and one for aws-auth.
    assert!(session.updates().real - before.real <= 2);
    session.run(&unmap).says(
        1,
        &[
            "error: no entry of context admin",
            "matches --group contractors\n",
        ],
    );
    session.done(&[&unmap[..], &["--ignore-missing"]].concat());

    session.done(&["undo"]);
    assert_eq!(session.text("mapRoles"), format!("{NODES}{PEOPLE}"));
    assert_eq!(session.text("mapUsers"), USERS);
}

#[test]
fn removal_needs_the_expected_user_and_the_right_name() {
    let session = with_people();
    let unmap = ["unmap", "role", "arn:aws:iam::111122223333:role/ops"];
    let wrong = [&unmap[..], &["--expect-group", "viewers"]].concat();
    session.run(&wrong).says(
        4,
        &[
            "refused (unexpected-entry): arn:aws:iam::111122223333:role/ops is not as expected: it is user ops in operators (mapRoles line",
            "hint: see what is mapped: awsauth get\n",
        ],
    );
    session.done(&[&unmap[..], &["--expect-username", "ops"]].concat());
    let misspelled = ["unmap", "user", "arn:aws:iam::111122223333:user/bobb"];
    session.run(&misspelled).says(
        1,
        &["did you mean this one? awsauth unmap user arn:aws:iam::111122223333:user/bob\n"],
    );
    assert_eq!(session.text("mapUsers"), USERS);
}

#[test]
fn group_is_replaced_everywhere_and_a_group_without_binding_is_reported() {
    let session = with_people();
    let _bound = Objects::create(
        &session,
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: externals, namespace: team-a}\n\
         roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n\
         subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: externals}]\n",
    );
    let run = session.done(&["replace-group", "contractors", "externals"]);
    assert!(!run.stderr.contains("warning: no RoleBinding"), "{run:?}");
    assert_eq!(
        run.stdout,
        "Access:\n~ arn:aws:iam::111122223333:role/dev changes\n    loses group contractors\n    gains group externals\n~ arn:aws:iam::111122223333:user/bob changes\n    loses group contractors\n    gains group externals\nmapping role/dev configured\nmapping user/bob configured\n"
    );
    let people = PEOPLE.replace("contractors", "externals");
    assert_eq!(session.text("mapRoles"), format!("{NODES}{people}"));
    assert_eq!(
        session.text("mapUsers"),
        USERS.replace("contractors", "externals")
    );

    // The guests would have no permissions.
    let lost = "warning: RoleBinding team-a/externals names group externals, and no binding gives its role to group guests: what it allows is lost.\n";
    let unbound =
        "warning: no RoleBinding or ClusterRoleBinding names group guests: it allows nothing.\n";
    let replace = ["replace-group", "externals", "guests"];
    let bind = "create rolebinding externals-guests -n team-a --clusterrole=view --group=guests";
    for args in [&replace[..], &[&replace[..], &["--dry-run"]].concat()] {
        session.run(args).says(
            4,
            &[
                unbound,
                lost,
                "refused (lost-rights): group guests does not have what group externals has by RoleBinding team-a/externals\n",
                &format!("hint: bind the new group first: kubectl --context admin {bind}\n"),
                "--allow-lost-rights",
            ],
        );
    }
    assert_eq!(session.text("mapRoles"), format!("{NODES}{people}"));
    session
        .run(&[&replace[..], &["--allow-lost-rights"]].concat())
        .says(0, &[unbound, lost]);
    session.done(&["undo"]);
    // The command in the hint creates what was missing.
    session
        .cluster
        .kubectl(&bind.split(' ').collect::<Vec<_>>());
    let replaced = session.done(&replace);
    session
        .cluster
        .kubectl(&["delete", "rolebinding", "externals-guests", "-n", "team-a"]);
    assert!(!replaced.stderr.contains("warning:"), "{replaced:?}");
    session
        .run(&["replace-group", "externals", "x"])
        .says(1, &["has group externals\n"]);
    session.done(&["undo"]);
    assert_eq!(session.text("mapRoles"), format!("{NODES}{people}"));
}

#[test]
fn mapped_group_without_binding_is_reported() {
    let session = with_people();
    let _bound = Objects::create(
        &session,
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: developers, namespace: team-a}\n\
         roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}\n\
         subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: developers}]\n",
    );
    let role = "arn:aws:iam::111122223333:role/new";
    let warning = "warning: no RoleBinding or ClusterRoleBinding names group develoeprs: it allows nothing.\n\
        hint: RoleBinding team-a/developers names group developers: use that name, or bind develoeprs, too: \
        kubectl --context admin create rolebinding developers-develoeprs -n team-a --clusterrole=edit --group=develoeprs\n";
    let map = |group| ["map", "role", role, "--username", "new", "--group", group];
    let dry_run = [&map("develoeprs")[..], &["--dry-run"]].concat();
    session.run(&dry_run).says(0, &[warning]);
    session.run(&map("develoeprs")).says(0, &[warning]);
    // It is not new, or is bound, or is built in.
    for group in ["develoeprs", "developers", "system:masters"] {
        let run = session.run(&map(group));
        assert!(!run.stderr.contains("names group"), "{run:?}");
    }
    let file = session.file(
        "desired.yaml",
        &format!("- rolearn: {role}\n  username: new\n  groups: [readers]\n"),
    );
    session.run(&["apply", "-f", file.to_str().unwrap()]).says(
        0,
        &[
            "names group readers: it allows nothing.\n",
            "create rolebinding readers-view -n NAMESPACE ",
        ],
    );
    let groups: Vec<String> = (0..23).map(|number| format!("group-{number}")).collect();
    let groups = groups.join(", ");
    let many = format!("- rolearn: {role}\n  username: new\n  groups: [developers, {groups}]\n");
    let file = session.file("many.yaml", &many);
    let run = session.run(&["apply", "-f", file.to_str().unwrap(), "--dry-run"]);
    run.says(
        0,
        &["warning: no RoleBinding or ClusterRoleBinding names 3 more groups.\n"],
    );
    assert_eq!(run.stderr.matches("it allows nothing.").count(), 20);
}

#[test]
fn mapping_that_another_client_created_is_not_overwritten() {
    let session = with_people();
    let map = [
        "map",
        "role",
        "arn:aws:iam::111122223333:role/ops",
        "--username",
        "ops",
    ];
    let map = [&map[..], &["--create-only", "--group"]].concat();
    session.run(&[&map[..], &["admins"]].concat()).says(
        4,
        &["refused (already-mapped): arn:aws:iam::111122223333:role/ops is already mapped otherwise, to user ops in operators (mapRoles line"],
    );
    let same = session.done(&[&map[..], &["operators"]].concat());
    assert_eq!(same.stdout, "mapping role/ops unchanged\n");
    assert_eq!(session.text("mapRoles"), format!("{NODES}{PEOPLE}"));
}

#[test]
fn cluster_and_file_are_compared_in_both_directions() {
    let session = with_people();
    let listed = session.done(&["get", "-o", "yaml"]).stdout;
    let copy = session.file("copy.yaml", &listed);
    let copy = copy.to_str().unwrap();
    let equal = session.done(&["diff", copy, "--exact"]);
    assert_eq!((equal.stdout.as_str(), equal.stderr.as_str()), ("", ""));

    session.done(&["unmap", "role", "arn:aws:iam::111122223333:role/dev"]);
    session.done(&[
        "map",
        "role",
        "arn:aws:iam::111122223333:role/new",
        "--username",
        "new",
        "--group",
        "viewers",
    ]);
    let one_way = session.run(&["diff", copy]);
    one_way.says(
        1,
        &["1 mapping of context admin", "is not mentioned, and stays."],
    );
    assert!(!one_way.stdout.contains("role/new loses"), "{one_way:?}");
    let exact = session.run(&["diff", copy, "--exact"]);
    exact.says(1, &[]);
    for part in [
        "+ arn:aws:iam::111122223333:role/dev gains user dev in groups contractors, viewers\n",
        "- arn:aws:iam::111122223333:role/new loses user new in group viewers\n",
    ] {
        assert!(exact.stdout.contains(part), "{part}{exact:?}");
    }
    assert!(session.text("mapRoles").contains("role/new"));
}
