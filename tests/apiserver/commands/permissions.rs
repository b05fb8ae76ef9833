//! Callers without the needed permissions.

use crate::commands::harness::{
    ExclusiveCluster, MYTESTROLE, READER, Run, STRANGER, awsauth, map_args,
};

/// Lets [`READER`] read aws-auth, and nothing else.
pub(crate) const READ_ONLY: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: aws-auth-reader, namespace: kube-system}
rules:
- {apiGroups: [""], resources: [configmaps], resourceNames: [aws-auth], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: aws-auth-reader, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: aws-auth-reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: readers}]
"#;

#[test]
fn read_only_user_is_told_the_missing_permission() {
    let session = ExclusiveCluster::start();
    session
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], READ_ONLY);
    let version = session.resource_version();
    let as_reader = |args: &[&str]| {
        Run::of(
            awsauth(
                session.cluster,
                &session.cluster.kubeconfig_for(READER.name),
            )
            .args(args),
        )
    };
    crate::commands::harness::eventually(|| as_reader(&["get"]).status == 0);

    let unchanged = ["diff", "explain"];
    assert!(
        as_reader(&["get", "-o", "name"])
            .stdout
            .contains("role/eksctl-")
    );
    as_reader(&[unchanged[1], MYTESTROLE]).says(0, &[]);
    let updates = session.updates();
    for more in [&[][..], &["--dry-run=server"]] {
        as_reader(&[&map_args(MYTESTROLE)[..], more].concat()).says(
            3,
            &[
                "error: cannot write aws-auth of context reader",
                &session.cluster.server_url(),
                "user reader may not update configmaps/aws-auth in kube-system",
                "hint: check whether you have the permission: kubectl --context reader auth can-i update configmaps/aws-auth -n kube-system; if not, ask an administrator for it",
            ],
        );
    }
    // Refused before any request.
    let after = session.updates();
    assert_eq!((updates.dry, updates.real), (after.dry, after.real));
    as_reader(&[&map_args(MYTESTROLE)[..], &["--dry-run=client"]].concat()).says(0, &[]);
    assert_eq!(session.resource_version(), version);

    // The command in the hint gives the same answer.
    let mut kubectl = session.cluster.kubectl_command();
    kubectl.env("KUBECONFIG", session.cluster.kubeconfig_for(READER.name));
    let asked = kubectl.args([
        "--context",
        "reader",
        "auth",
        "can-i",
        "update",
        "configmaps/aws-auth",
        "-n",
        "kube-system",
    ]);
    assert_eq!(Run::of(asked).stdout, "no\n");

    // The same, impersonated.
    let impersonating = [
        &map_args(MYTESTROLE)[..],
        &["--as", READER.name, "--as-group", "readers"],
    ];
    session.run(&impersonating.concat()).says(
        3,
        &[
            "user reader may not update configmaps/aws-auth",
            " --as reader --as-group readers auth can-i update configmaps/aws-auth -n kube-system",
            "--user=reader",
        ],
    );

    // Creating requires another permission.
    session.api.delete();
    as_reader(&map_args(MYTESTROLE)).says(
        3,
        &["cannot create resource", "auth can-i create configmaps"],
    );
    assert!(session.api.get().is_err());
}

#[test]
fn hint_grants_the_missing_permission() {
    let session = ExclusiveCluster::start();
    session
        .cluster
        .kubectl_fed(&["apply", "-f", "-"], READ_ONLY);
    let reader = session.cluster.kubeconfig_for(READER.name);
    let map = || Run::of(awsauth(session.cluster, &reader).args(map_args(MYTESTROLE)));
    crate::commands::harness::eventually(|| {
        Run::of(awsauth(session.cluster, &reader).arg("get")).status == 0
    });
    let run = map();
    run.says(
        3,
        &["hint: a cluster administrator grants the permission with: "],
    );
    let (_, commands) = run
        .stderr
        .split_once("grants the permission with: ")
        .unwrap();
    for command in commands.lines().next().unwrap().split(" && ") {
        let args: Vec<&str> = command.split_whitespace().skip(1).collect();
        assert_eq!(args[..2], ["--context", "reader"], "{command}");
        session.cluster.kubectl(&args[2..]);
    }
    crate::commands::harness::eventually(|| map().status == 0);
    for kind in ["rolebinding", "role"] {
        session
            .cluster
            .kubectl(&["delete", kind, "awsauth", "-n", "kube-system"]);
    }
}

#[test]
fn user_without_read_permission_is_reported() {
    let session = ExclusiveCluster::start();
    let stranger = session.cluster.kubeconfig_for(STRANGER.name);
    for args in [
        &["get"][..],
        &map_args(MYTESTROLE),
        &["explain", MYTESTROLE],
    ] {
        Run::of(awsauth(session.cluster, &stranger).args(args)).says(
            3,
            &[
                r#"User "stranger" cannot get resource "configmaps""#,
                "auth can-i get configmaps/aws-auth -n kube-system",
            ],
        );
    }
    // The creator impersonates a user without permissions, who impersonates another user.
    session.run(&["get", "--as", "stranger"]).says(
        3,
        &[
            r#"User "stranger" cannot get"#,
            " --as stranger auth can-i get configmaps/aws-auth -n kube-system",
        ],
    );
    let as_admin = Run::of(awsauth(session.cluster, &stranger).args(["get", "--as", "admin"]));
    as_admin.says(
        3,
        &["cannot impersonate", " auth can-i impersonate users/admin"],
    );
    assert!(!as_admin.stderr.contains("--as admin auth"), "{as_admin:?}");
}

#[test]
fn rejected_token_is_distinguished_from_missing_permission() {
    let session = ExclusiveCluster::start();
    let wrong = session.kubeconfig_with("wrong.kubeconfig", "admin-token", "made-up-token");
    for args in [
        &["get"][..],
        &map_args(MYTESTROLE),
        &["get", "--wait", "20s"],
    ] {
        let run = Run::of(awsauth(session.cluster, &wrong).args(args));
        run.says(
            3,
            &[
                "does not accept the credentials",
                "hint: find out why: awsauth doctor --context admin\n",
            ],
        );
        assert!(!run.stderr.contains("made-up-token"));
    }
}

#[test]
fn impersonation_is_visible() {
    let session = ExclusiveCluster::start();
    session.map(&[]).says(0, &[]);
    let run = |args: &[&str]| {
        let kubeconfig = session.cluster.kubeconfig();
        let mut command = awsauth(session.cluster, &kubeconfig);
        let command = command
            .env("AWSAUTH_AS", "stranger")
            .env("AWSAUTH_QUIET", "true");
        Run::of(command.args(args))
    };
    // A variable cannot hide the caller from the guards, and none hides what they did not check.
    run(&["get"]).says(0, &[]);
    let unmap = ["unmap", "role", MYTESTROLE, "--allow-no-admin", "--dry-run"];
    let impersonating = ["--as", "admin", "--as-group", "system:masters"];
    let unchecked = "which needs a run without --as.\n";
    let as_self = run(&unmap);
    assert!(!as_self.stderr.contains(unchecked), "{as_self:?}");
    run(&[&unmap[..], &impersonating].concat()).says(0, &["Not checked: ", unchecked]);
}
