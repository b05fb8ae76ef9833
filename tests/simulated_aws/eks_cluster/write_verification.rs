//! `map --verify`: a write is verified by signing in, or rolled back.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::eks_cluster::harness::{
    ALLOWED, ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, map_args,
};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::simulated_aws::trusts;

const OTHER_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/other/s";

/// A section in a style that awsauth does not use.
const BEFORE: &str =
    "# hands off\n- {rolearn: 'arn:aws:iam::111122223333:role/x',  username: x}   # as is\n";

/// Returns an environment with the creator's kubeconfig and this AWS session.
fn with(session: &ExclusiveCluster, arn: &str) -> Environment {
    let credentials = session.aws().sessions(&[arn]).remove(0);
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let environment = session.aws().environment().with_credentials(&credentials);
    environment
        .with("KUBECONFIG", &kubeconfig)
        .with("AWSAUTH_CLUSTER_NAME", eks::NAME)
        .with("TMPDIR", &session.cluster.folder().display().to_string())
}

/// The output of the first mapping.
const MAPPED: &str = "Access:\n+ arn:aws:iam::111122223333:role/mytestrole gains user admin in group system:masters\nmapping role/mytestrole created\n";

fn map(session: &ExclusiveCluster, environment: &Environment, more: &[&str]) -> Run {
    session.awsauth_on_kubeconfig(environment, &[&map_args(MYTESTROLE)[..], more].concat())
}

fn roles(session: &ExclusiveCluster) -> String {
    let object = session.api.object();
    object["data"]["mapRoles"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn verified_write_is_kept() {
    let session = ExclusiveCluster::start();
    let environment = with(&session, MYTESTROLE_SESSION);
    let run = map(&session, &environment, &["--verify"]);
    assert_eq!(run.status, 0, "{run:?}");
    let becomes = "arn:aws:iam::111122223333:role/mytestrole becomes user admin in groups system:masters, system:authenticated\n";
    assert_eq!(run.stdout, format!("{MAPPED}{becomes}"));
    assert!(
        run.stderr.contains("Created aws-auth on context admin"),
        "{run:?}"
    );
    // A mapping that already exists is verified, too, and apply also supports `--verify`.
    let wanted = session.cluster.folder().join("verify.yaml");
    std::fs::write(
        &wanted,
        format!("[{{rolearn: {MYTESTROLE}, username: admin}}]"),
    )
    .unwrap();
    let again = session.awsauth_on_kubeconfig(
        &environment,
        &[
            "apply",
            "-f",
            wanted.to_str().unwrap(),
            "--verify",
            "-o",
            "json",
        ],
    );
    assert_eq!(again.status, 0, "{again:?}");
    let report = again.json();
    assert_eq!(report["changed"], false);
    assert_eq!(report["verification"]["ok"], true);
    assert_eq!(report["verification"]["username"], "admin");
    // A dry run verifies nothing.
    let dry = map(
        &session,
        &with(&session, OTHER_SESSION),
        &["--verify", "--dry-run"],
    );
    assert_eq!(dry.status, 0, "{dry:?}");
}

#[test]
fn write_that_fails_verification_is_rolled_back() {
    let session = ExclusiveCluster::start();
    session.put(&json!({"mapRoles": BEFORE, "mapUsers": "[]\n"}));
    let environment = with(&session, OTHER_SESSION);
    let quick = ["--verify", "--timeout", "3s"];
    let run = map(&session, &environment, &quick);
    run.says(
        6,
        &[
            "Wrote aws-auth to context admin",
            "error: aws-auth was written but could not be verified: context admin (",
            ") does not accept the token\n",
            "  the previous state was restored\n",
        ],
    );
    assert_eq!(roles(&session), BEFORE);
    assert_eq!(run.stdout, MAPPED);

    let json = map(
        &session,
        &environment,
        &[&quick[..], &["-o", "json"]].concat(),
    );
    assert_eq!(json.status, 6, "{json:?}");
    let report = json.json();
    assert_eq!(report["changed"], false);
    assert_eq!(report["verification"]["ok"], false);
    assert_eq!(report["verification"]["username"], Value::Null);
    assert_eq!(roles(&session), BEFORE);

    map(
        &session,
        &environment,
        &[&quick[..], &["--no-rollback"]].concat(),
    )
    .says(7, &["  what was written stays, because of --no-rollback\n"]);
    assert!(roles(&session).contains(MYTESTROLE));
    // If nothing was written, nothing is rolled back.
    map(&session, &environment, &quick).says(1, &["error: context admin"]);
    assert!(roles(&session).contains(MYTESTROLE));

    // An aws-auth that the write created is kept, but empty.
    session.api.delete();
    map(&session, &environment, &quick)
        .says(
            6,
            &[
                "Created aws-auth on",
                "the previous state was restored",
                "aws-auth did not exist before; it stays, empty",
                "hint: to remove it, after awsauth get shows that it is still empty: kubectl --context admin delete configmap aws-auth -n kube-system",
            ],
        );
    assert_eq!(session.api.object()["data"], Value::Null);
}

#[test]
fn missing_credentials_for_verification_prevent_the_write() {
    let session = ExclusiveCluster::start();
    let environment = with(&session, MYTESTROLE_SESSION);
    let nobody = environment.clone().without("AWS_ACCESS_KEY_ID");
    map(&session, &nobody, &["--verify"]).says(
        3,
        &[
            "cannot verify what would be written to context admin",
            "no AWS credentials",
        ],
    );
    let unnamed = environment.without("AWSAUTH_CLUSTER_NAME");
    map(&session, &unnamed, &["--verify"]).says(2, &["--cluster-name NAME"]);
    assert!(session.api.get().is_err());
    let file = session.cluster.folder().join("verify-file.yaml");
    std::fs::write(&file, "{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: {}}").unwrap();
    let args = ["--verify", "--file", file.to_str().unwrap()];
    map(&session, &unnamed.without("KUBECONFIG"), &args).says(2, &["cannot sign in to a file"]);
}

#[test]
fn rollback_does_not_overwrite_a_later_write() {
    let session = ExclusiveCluster::start();
    session.put(&json!({"mapRoles": BEFORE}));
    let environment = with(&session, OTHER_SESSION);
    let cluster = session.cluster;
    let theirs = "- rolearn: arn:aws:iam::111122223333:role/theirs\n";
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        let patch = json!({"data": {"mapRoles": theirs}}).to_string();
        cluster.kubectl(&[
            "patch",
            "configmap",
            "aws-auth",
            "-n",
            "kube-system",
            "--type",
            "merge",
            "-p",
            &patch,
        ]);
    });
    let run = map(&session, &environment, &["--verify", "--timeout", "5s"]);
    later.join().unwrap();
    run.says(7, &[
        "  what was written stays, because it could not be rolled back: another client has changed mapRoles since\n",
        "hint: see what is stored now: awsauth --kubeconfig ",
        " get\n",
    ]);
    assert_eq!(roles(&session), theirs);
}

#[test]
fn failed_rollback_reports_who_can_restore() {
    let session = ExclusiveCluster::start();
    session.put(&json!({"mapRoles": BEFORE}));
    let writer = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: kube-system}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get, update]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: writer, namespace: kube-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: writer}]
";
    let cluster = session.cluster;
    cluster.kubectl_fed(&["apply", "-f", "-"], writer);
    let environment = with(&session, OTHER_SESSION);
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        cluster.kubectl(&["delete", "rolebinding", "writer", "-n", "kube-system"]);
    });
    let run = map(
        &session,
        &environment,
        &["--verify", "--timeout", "6s", "--as", "writer"],
    );
    later.join().unwrap();
    run.says(7, &[
        "what was written stays, because it could not be rolled back: cannot write aws-auth of context admin",
        "User \"writer\" cannot",
        "hint: a user who can still write aws-auth restores it with: kubectl --context admin patch configmap aws-auth -n kube-system --type merge --patch-file ",
        "as that identity: awsauth undo --cluster-name my-cluster --region us-east-1\n",
        "awsauth rescue --cluster-name my-cluster --region us-east-1 && awsauth undo --cluster-name my-cluster --region us-east-1\n",
    ]);
    assert!(roles(&session).contains(MYTESTROLE));
    let (_, command) = run.stderr.split_once("restores it with: kubectl ").unwrap();
    let args: Vec<&str> = command.lines().next().unwrap().split(' ').collect();
    cluster.kubectl(&args);
    assert_eq!(roles(&session), BEFORE);
}

#[test]
fn interrupted_verification_reports_the_write() {
    let session = ExclusiveCluster::start();
    session.put(&json!({"mapRoles": BEFORE}));
    let environment = with(&session, OTHER_SESSION);
    let mut command = environment.command(Path::new("/usr/bin/timeout"));
    command.args(["--preserve-status", "--signal=INT", "3"]);
    command.arg(env!("CARGO_BIN_EXE_awsauth"));
    let kubeconfig = session.cluster.kubeconfig();
    command.arg("--kubeconfig").arg(kubeconfig).args(ALLOWED);
    command.args(map_args(MYTESTROLE)).arg("--verify");
    let run = Run::of(&mut command);
    run.says(
        130,
        &[
            "Wrote aws-auth to",
            "error: interrupted: aws-auth was written but not verified\nhint: verify it: awsauth --kubeconfig ",
            " verify\n",
        ],
    );
    assert!(roles(&session).contains(MYTESTROLE));
}

#[test]
fn mapped_role_can_verify_its_own_mapping() {
    let session = ExclusiveCluster::start();
    let environment = with(&session, OTHER_SESSION);
    let other = "arn:aws:iam::111122223333:role/other";
    session.aws().role(MYTESTROLE, &[trusts(other)]);
    let as_role = ["--verify-as", MYTESTROLE, "--role-session-name", "witness"];
    let run = map(&session, &environment, &as_role);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout
            .contains("role/mytestrole becomes user admin in groups system:masters"),
        "{run:?}"
    );
    // The result must have the entry's group, with templates rendered for the verifying session.
    let template = [
        "map",
        "role",
        MYTESTROLE,
        "--username",
        "{{SessionName}}",
        "--group",
        "team-{{AccountID}}",
    ];
    let run = session.awsauth_on_kubeconfig(&environment, &[&template[..], &as_role].concat());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout
            .contains("becomes user witness in groups team-111122223333, system:authenticated"),
        "{run:?}"
    );
    // If the role cannot be assumed, nothing is written.
    let before = roles(&session);
    let stranger = ["--verify-as", "arn:aws:iam::111122223333:role/closed"];
    map(&session, &environment, &stranger)
        .says(3, &["cannot verify what would be written to context admin"]);
    assert_eq!(roles(&session), before);
}

/// The authenticator may not have read the change yet at the first sign-in.
#[test]
fn write_that_removes_the_verifying_identity_is_rolled_back() {
    let session = ExclusiveCluster::start();
    let environment = with(&session, MYTESTROLE_SESSION);
    let wanted = session.cluster.folder().join("own.yaml");
    let apply = |entries: &str| {
        std::fs::write(&wanted, entries).unwrap();
        let apply = [
            "apply",
            "-f",
            wanted.to_str().unwrap(),
            "--owner",
            "ci",
            "--prune",
        ];
        let allowed = ["--allow-no-admin", "--verify"];
        session.awsauth_on_kubeconfig(&environment, &[&apply[..], &allowed].concat())
    };
    let mapped = apply(&format!("[{{rolearn: {MYTESTROLE}, username: admin}}]"));
    assert_eq!(mapped.status, 0, "{mapped:?}");
    let before = roles(&session);
    apply("[]").says(
        6,
        &[
            "does not accept the token",
            "the previous state was restored",
        ],
    );
    assert_eq!(roles(&session), before);
}
