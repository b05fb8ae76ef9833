//! The ownership annotation after writes by other clients.

use crate::commands::harness::{ExclusiveCluster, NODES};

const ANNOTATION: &str = "awsauth.dev/owners";
const ONE_AND_TWO: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/one', username: one, groups: [view]}
- {rolearn: 'arn:aws:iam::111122223333:role/two', username: two, groups: [view]}
";
const ONE: &str =
    "- {rolearn: 'arn:aws:iam::111122223333:role/one', username: one, groups: [view]}\n";

#[test]
fn prune_removes_owned_entries_after_writes_of_other_clients() {
    let session = ExclusiveCluster::start();
    apply(&session, ONE_AND_TWO).says(0, &[]);
    let owners = annotation(&session).expect("an annotation");
    assert!(
        owners.starts_with(r#"{"ci":["#) && !owners.contains("arn:"),
        "{owners}"
    );

    // Clients that merge or patch keep the annotation.
    let kubectl = |args: &[&str]| {
        session
            .cluster
            .kubectl(&[args, &["-n", "kube-system"]].concat())
    };
    kubectl(&[
        "patch",
        "configmap",
        "aws-auth",
        "--type=merge",
        "-p",
        r#"{"data":{"mapUsers":"- userarn: arn:aws:iam::111122223333:user/x\n  username: x\n"}}"#,
    ]);
    let applied = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"aws-auth","namespace":"kube-system","labels":{"by":"apply"}}}"#;
    session.cluster.kubectl_fed(&["apply", "-f", "-"], applied);
    session.cluster.kubectl_fed(
        &[
            "apply",
            "--server-side",
            "--field-manager=other",
            "--force-conflicts",
            "-f",
            "-",
        ],
        applied,
    );
    session.api.change_roles(|roles| {
        Some(format!(
            "{roles}- {{rolearn: 'arn:aws:iam::111122223333:role/foreign', username: f}}\n"
        ))
    });
    assert_eq!(annotation(&session).as_ref(), Some(&owners));
    // Clients that replace a copy of the object keep it, too.
    let copy = kubectl(&["get", "configmap", "aws-auth", "-o", "yaml"]);
    session.cluster.kubectl_fed(&["replace", "-f", "-"], &copy);
    assert_eq!(annotation(&session).as_ref(), Some(&owners));

    let run = apply(&session, ONE);
    run.says(0, &[]);
    assert!(run.stdout.contains("mapping role/two deleted"), "{run:?}");
    let roles = session.text("mapRoles");
    assert!(
        roles.starts_with(NODES) && roles.contains("role/one") && roles.contains("role/foreign"),
        "{roles}"
    );
    assert!(!roles.contains("role/two"), "{roles}");
    assert_ne!(annotation(&session).as_ref(), Some(&owners));

    let version = session.resource_version();
    apply(&session, ONE).says(0, &[]);
    assert_eq!(
        session.resource_version(),
        version,
        "there was nothing to do"
    );
}

#[test]
fn prune_without_the_annotation_removes_nothing_and_reports_it() {
    let session = ExclusiveCluster::start();
    apply(&session, ONE_AND_TWO).says(0, &[]);
    session.cluster.kubectl(&[
        "annotate",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "awsauth.dev/owners-",
    ]);
    apply(&session, ONE).says(
        0,
        &["There is no record of entries that ci applied before: nothing is pruned."],
    );
    assert!(session.text("mapRoles").contains("role/two"));
    // From now on, ownership is recorded again.
    apply(&session, "[]\n").says(0, &[]);
    let roles = session.text("mapRoles");
    assert!(
        roles.contains("role/two") && !roles.contains("role/one"),
        "{roles}"
    );
}

#[test]
fn entry_changed_by_another_client_is_not_pruned() {
    let session = ExclusiveCluster::start();
    apply(&session, ONE_AND_TWO).says(0, &[]);
    session
        .api
        .change_roles(|roles| Some(roles.replace("username: two", "username: zwei")));
    apply(&session, ONE).says(
        0,
        &["role/two", "stays: it was changed after it was applied"],
    );
    assert!(session.text("mapRoles").contains("username: zwei"));
}

fn apply(session: &ExclusiveCluster, desired: &str) -> crate::commands::harness::Run {
    let desired = session.file("desired.yaml", desired);
    session.run(&[
        "apply",
        "-f",
        desired.to_str().unwrap(),
        "--owner",
        "ci",
        "--prune",
    ])
}

fn annotation(session: &ExclusiveCluster) -> Option<String> {
    session.api.object()["metadata"]["annotations"][ANNOTATION]
        .as_str()
        .map(str::to_owned)
}
