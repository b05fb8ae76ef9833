//! `awsauth whoami`: the identity at AWS and in the cluster.

use serde_json::{Value, json};

use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, map_args};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::simulated_aws::ACCOUNT;

fn whoami(session: &ExclusiveCluster, environment: &Environment, more: &[&str]) -> Run {
    session.awsauth_on_kubeconfig(environment, &[&["whoami"][..], more].concat())
}

fn mytestrole(session: &ExclusiveCluster) -> Environment {
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let environment = session.aws().environment().with_credentials(&credentials);
    environment
        .with("KUBECONFIG", &kubeconfig)
        .with("AWSAUTH_CLUSTER_NAME", eks::NAME)
}

#[test]
fn whoami_shows_aws_and_cluster_identity() {
    let session = ExclusiveCluster::start();
    let environment = mytestrole(&session);
    session.done(&map_args(MYTESTROLE));
    let verified = session.awsauth_on_kubeconfig(&environment, &["verify"]);
    assert_eq!(verified.status, 0, "{verified:?}");
    let run = whoami(&session, &environment, &[]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(
        run.stdout,
        format!(
            "{MYTESTROLE_SESSION}\n\
             \x20 to aws-auth: {MYTESTROLE}\n\
             \x20 account: {ACCOUNT}\n\
             \x20 credentials: environment variables; they do not expire\n\
             \x20 to context admin ({}): user admin in groups system:masters, system:authenticated\n\
             \x20   by mapRoles line 1\n\
             \x20 as the kubeconfig's own user, which kubectl uses: the same user\n",
            session.cluster.server_url()
        )
    );
    let json = whoami(&session, &environment, &["-o", "json"]).json();
    assert_eq!(json["arn"], MYTESTROLE_SESSION);
    assert_eq!(json["canonicalArn"], MYTESTROLE);
    assert_eq!(json["account"], ACCOUNT);
    assert_eq!(json["source"], "env");
    assert_eq!(json["expiration"], Value::Null);
    assert_eq!(
        json["cluster"],
        json!({
            "context": "admin", "server": session.cluster.server_url(),
            "username": "admin", "groups": ["system:masters", "system:authenticated"], "section": "mapRoles", "line": 1,
        })
    );

    // The identity is shown even if aws-auth cannot be read.
    session.done(&[
        "map",
        "role",
        MYTESTROLE,
        "--username",
        "dev",
        "--group",
        "devs",
    ]);
    let dev = session.awsauth_on_kubeconfig(&environment, &["verify", "--expect-username", "dev"]);
    assert_eq!(dev.status, 0, "{dev:?}");
    let run = whoami(&session, &environment, &[]);
    assert!(
        run.stdout.contains(
            "user dev in groups devs, system:authenticated\n    the deciding entry is unknown: "
        ),
        "{run:?}"
    );
    assert!(
        run.stdout
            .contains("User \"dev\" cannot get resource \"configmaps\""),
        "{run:?}"
    );
}

#[test]
fn whoami_reports_an_unmapped_identity() {
    let session = ExclusiveCluster::start();
    let environment = mytestrole(&session);
    let run = whoami(&session, &environment, &[]);
    run.says(
        0,
        &[
            "hint: find the cause: awsauth --kubeconfig ",
            &format!(" doctor --for {MYTESTROLE}\n"),
        ],
    );
    assert!(
        run.stdout
            .contains("): no user\n    it does not accept your token\n"),
        "{run:?}"
    );
    let json = whoami(&session, &environment, &["-o", "json"]).json();
    assert_eq!(json["cluster"]["username"], Value::Null);
    assert_eq!(json["cluster"]["reason"], "it does not accept your token");

    let unnamed = environment.clone().without("AWSAUTH_CLUSTER_NAME");
    whoami(&session, &unnamed, &[]).says(
        0,
        &[
            "is skipped: its kubeconfig does not contain the name of the EKS cluster",
            "hint: name it",
        ],
    );
    let alone = unnamed.without("KUBECONFIG");
    let run = whoami(&session, &alone, &[]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(
        run.stdout.starts_with(MYTESTROLE_SESSION) && run.stdout.ends_with("they do not expire\n"),
        "{run:?}"
    );
    assert_eq!(
        whoami(&session, &alone, &["-o", "json"]).json()["cluster"],
        Value::Null
    );

    // A cluster that is named explicitly must exist.
    whoami(&session, &environment, &["--context", "prod"]).says(2, &["no context \"prod\""]);
    whoami(&session, &environment, &["--expect-cluster", "prod"]).says(4, &["not prod"]);
    // If the cluster does not respond, the AWS identity is still shown.
    let kubeconfig = std::fs::read_to_string(session.cluster.kubeconfig()).unwrap();
    let path = session.cluster.folder().join("nowhere.kubeconfig");
    std::fs::write(
        &path,
        kubeconfig.replace(&session.cluster.server_url(), "https://127.0.0.1:1"),
    )
    .unwrap();
    let nowhere = environment.with("KUBECONFIG", &path.display().to_string());
    let run = whoami(&session, &nowhere, &[]);
    run.says(
        0,
        &["warning: cannot sign in to context admin (https://127.0.0.1:1): nothing answers"],
    );
    assert!(run.stdout.starts_with(MYTESTROLE_SESSION), "{run:?}");
}

/// The shell and the exec plugin of the kubeconfig have credentials of different roles.
#[test]
fn whoami_answers_for_the_user_of_the_kubeconfig_too() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let other = format!("arn:aws:sts::{ACCOUNT}:assumed-role/intern/i-1");
    let sessions = session.aws().sessions(&[MYTESTROLE_SESSION, &other]);
    session.becomes(
        &sessions[0],
        &crate::eks_cluster::token_review::Who::user("admin", &["system:masters"]),
    );
    let path = session.cluster.folder().join("other.kubeconfig");
    let run = |shell: usize, plugin: usize, more: &[&str]| {
        let variables = session
            .aws()
            .environment()
            .with_credentials(&sessions[plugin]);
        let variables = variables
            .variables()
            .filter(|(name, _)| name.starts_with("AWS_"))
            .map(|(name, value)| json!({"name": name, "value": value}));
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": env!("CARGO_BIN_EXE_awsauth"),
            "args": ["eks", "get-token", "--cluster-name", eks::NAME],
            "env": variables.collect::<Vec<_>>(),
        });
        let cluster = json!({"server": session.cluster.server_url(), "certificate-authority": session.cluster.ca()});
        let content = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"exec": exec}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        });
        std::fs::write(&path, content.to_string()).unwrap();
        let environment = session
            .aws()
            .environment()
            .with_credentials(&sessions[shell]);
        let environment = environment.with("KUBECONFIG", &path.display().to_string());
        whoami(&session, &environment, more)
    };
    let as_other = "  as the kubeconfig's own user, which kubectl uses: ";
    let admin = "user admin in groups system:masters, system:authenticated\n";

    let denied = run(0, 1, &[]);
    denied.says(
        0,
        &["hint: find out why the kubeconfig's own user has no access: awsauth --kubeconfig "],
    );
    let expected = format!(
        "): {admin}    by mapRoles line 1\n{as_other}no user\n    the API server does not accept its credentials\n"
    );
    assert!(denied.stdout.ends_with(&expected), "{denied:?}");
    let json = run(0, 1, &["-o", "json"]).json();
    assert_eq!(json["kubeconfigUser"]["username"], Value::Null);

    let admitted = run(1, 0, &[]);
    let for_shell = format!(" doctor --for arn:aws:iam::{ACCOUNT}:role/intern\n");
    admitted.says(0, &[&for_shell]);
    let expected = format!("{as_other}{admin}    {MYTESTROLE_SESSION}\n");
    assert!(admitted.stdout.ends_with(&expected), "{admitted:?}");
    let json = run(1, 0, &["-o", "json"]).json();
    assert_eq!(json["cluster"]["username"], Value::Null);
    assert_eq!(json["kubeconfigUser"]["username"], "admin");
    assert_eq!(json["kubeconfigUser"]["arn"], MYTESTROLE_SESSION);

    let same = run(0, 0, &[]);
    assert_eq!(same.stderr, "", "{same:?}");
    assert!(
        same.stdout.ends_with(&format!("{as_other}the same user\n")),
        "{same:?}"
    );

    // The command line selects the AWS credentials.
    let chosen = run(0, 1, &["--source", "env"]);
    assert!(!chosen.stdout.contains(as_other), "{chosen:?}");
}

#[test]
fn rejected_aws_credentials_are_distinguished() {
    let session = ExclusiveCluster::start();
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    session.aws().expire(&credentials.access_key_id);
    let environment = session.aws().environment().with_credentials(&credentials);
    whoami(&session, &environment, &[]).says(
        3,
        &[
            "error: cannot determine your AWS identity: ExpiredToken",
            "  credentials: environment variables\n",
            "hint: get new credentials",
        ],
    );
    let nobody = session.aws().environment();
    whoami(&session, &nobody, &[]).says(
        3,
        &["cannot determine your AWS identity: no AWS credentials were found"],
    );

    // `verify` reports the same about a token.
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let environment = environment
        .with("KUBECONFIG", &kubeconfig)
        .with("AWSAUTH_CLUSTER_NAME", eks::NAME);
    session
        .awsauth_on_kubeconfig(&environment, &["verify", "--timeout=0"])
        .says(
            1,
            &[") does not accept the token, and AWS does not accept its credentials: ExpiredToken"],
        );
    let wrong = environment.with("AWS_SECRET_ACCESS_KEY", "wrong");
    session
        .awsauth_on_kubeconfig(&wrong, &["verify", "--timeout=0"])
        .says(1, &["AWS does not accept its credentials: "]);
}
