//! `map --verify`: a write is proved by signing in, or taken back.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::session::{MYTESTROLE, MYTESTROLE_SESSION, Session, map_args};
use crate::support::aws::trusts;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::run::Run;

const OTHER_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/other/s";

/// What somebody wrote, and not as we would.
const BEFORE: &str =
    "# hands off\n- {rolearn: 'arn:aws:iam::111122223333:role/x',  username: x}   # as is\n";

/// The cluster's creator to Kubernetes, and to AWS whoever has this session.
fn with(session: &Session, arn: &str) -> Environment {
    let credentials = session.aws().sessions(&[arn]).remove(0);
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let environment = session.aws().environment().with_credentials(&credentials);
    environment
        .with("KUBECONFIG", &kubeconfig)
        .with("AWSAUTH_CLUSTER_NAME", eks::NAME)
        .with("TMPDIR", &session.cluster.folder().display().to_string())
}

fn map(session: &Session, environment: &Environment, more: &[&str]) -> Run {
    session.awsauth_on_kubeconfig(environment, &[&map_args(MYTESTROLE)[..], more].concat())
}

fn roles(session: &Session) -> String {
    let object = session.api.object();
    object["data"]["mapRoles"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_write_that_lets_the_witness_in_stands() {
    let session = Session::start();
    let environment = with(&session, MYTESTROLE_SESSION);
    let run = map(&session, &environment, &["--verify"]);
    assert_eq!(run.status, 0, "{run:?}");
    let becomes = "arn:aws:iam::111122223333:role/mytestrole becomes user admin in groups system:masters, system:authenticated\n";
    assert_eq!(
        run.stdout,
        format!("mapping role/mytestrole created\n{becomes}")
    );
    assert!(
        run.stderr.contains("Created aws-auth on context admin"),
        "{run:?}"
    );
    // What is there already is proved as well; and apply can do it too.
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
    // A dry run proves nothing.
    let dry = map(
        &session,
        &with(&session, OTHER_SESSION),
        &["--verify", "--dry-run"],
    );
    assert_eq!(dry.status, 0, "{dry:?}");
}

#[test]
fn a_write_that_lets_nobody_in_is_taken_back() {
    let session = Session::start();
    session.put(&json!({"mapRoles": BEFORE, "mapUsers": "[]\n"}));
    let environment = with(&session, OTHER_SESSION);
    let quick = ["--verify", "--timeout", "3s"];
    let run = map(&session, &environment, &quick);
    run.says(
        6,
        &[
            "Wrote aws-auth to context admin",
            "error: aws-auth was written, and could not be verified: context admin (",
            ") does not accept the token\n",
            "  the previous text is back\n",
        ],
    );
    assert_eq!(roles(&session), BEFORE);
    assert_eq!(run.stdout, "mapping role/mytestrole created\n");

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
    .says(7, &["  what was written stands, as --no-rollback asks\n"]);
    assert!(roles(&session).contains(MYTESTROLE));
    // Where nothing was written, nothing is taken back.
    map(&session, &environment, &quick).says(1, &["error: context admin"]);
    assert!(roles(&session).contains(MYTESTROLE));

    // A new aws-auth is left without what was written.
    session.api.delete();
    map(&session, &environment, &quick)
        .says(
            6,
            &[
                "Created aws-auth on",
                "the previous text is back",
                "aws-auth, which was not there before, stays and is empty",
                "hint: to remove it, once awsauth get shows that nobody uses it: kubectl --context admin delete configmap aws-auth -n kube-system",
            ],
        );
    assert_eq!(session.api.object()["data"], Value::Null);
}

#[test]
fn who_cannot_sign_in_at_all_writes_nothing() {
    let session = Session::start();
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
fn what_somebody_else_wrote_since_is_not_overwritten() {
    let session = Session::start();
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
        "  what was written stands, because it can't be put back: somebody else has written mapRoles since\n",
        "hint: see what is there now: awsauth get\n",
    ]);
    assert_eq!(roles(&session), theirs);
}

#[test]
fn who_can_no_longer_put_it_back_is_told_who_can() {
    let session = Session::start();
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
        "what was written stands, because it can't be put back: cannot write aws-auth of context admin",
        "User \"writer\" cannot",
        "hint: whoever may still write aws-auth puts it back with: kubectl --context admin patch configmap aws-auth -n kube-system --type merge --patch-file ",
        "as that identity: awsauth undo --cluster-name my-cluster --region us-east-1\n",
        "aws eks create-access-entry --cluster-name my-cluster --region us-east-1 --principal-arn ARN && aws eks associate-access-policy --cluster-name my-cluster",
        "--policy-arn arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy --access-scope type=cluster\n",
        "authenticationMode=API_AND_CONFIG_MAP\n",
    ]);
    assert!(roles(&session).contains(MYTESTROLE));
    let (_, command) = run
        .stderr
        .split_once("puts it back with: kubectl ")
        .unwrap();
    let args: Vec<&str> = command.lines().next().unwrap().split(' ').collect();
    cluster.kubectl(&args);
    assert_eq!(roles(&session), BEFORE);
}

#[test]
fn who_interrupts_it_is_told_that_it_was_written() {
    let session = Session::start();
    session.put(&json!({"mapRoles": BEFORE}));
    let environment = with(&session, OTHER_SESSION);
    let mut command = environment.command(Path::new("/usr/bin/timeout"));
    command.args(["--preserve-status", "--signal=INT", "3"]);
    command.arg(env!("CARGO_BIN_EXE_awsauth"));
    let kubeconfig = session.cluster.kubeconfig();
    command.arg("--kubeconfig").arg(kubeconfig);
    command.args(map_args(MYTESTROLE)).arg("--verify");
    let run = Run::of(&mut command);
    run.says(
        130,
        &[
            "Wrote aws-auth to",
            "error: interrupted: aws-auth was written, and is not verified\nhint: verify it: awsauth verify\n",
        ],
    );
    assert!(roles(&session).contains(MYTESTROLE));
}

#[test]
fn the_mapped_role_itself_may_be_the_witness() {
    let session = Session::start();
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
    // The group of the entry is what must come out, and its templates are filled with the witness's session.
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
    // A role that can't be assumed keeps anything from being written.
    let before = roles(&session);
    let stranger = ["--verify-as", "arn:aws:iam::111122223333:role/closed"];
    map(&session, &environment, &stranger)
        .says(3, &["cannot verify what would be written to context admin"]);
    assert_eq!(roles(&session), before);
}

/// The authenticator may not have read the change when the witness signs in for the first time.
#[test]
fn a_write_that_takes_the_witness_out_is_taken_back() {
    let session = Session::start();
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
        &["does not accept the token", "the previous text is back"],
    );
    assert_eq!(roles(&session), before);
}
