//! awsauth as kubectl's credential plugin, in kubeconfigs of other tools with only `command` replaced.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, map_args};
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::secrets::Prints;
use crate::support::simulated_aws::{Credentials, REGION, trusts};

const V1: &str = "client.authentication.k8s.io/v1";
const BETA: &str = "client.authentication.k8s.io/v1beta1";

/// An identity that aws-auth maps as an administrator.
fn mapped_credentials(session: &ExclusiveCluster) -> Credentials {
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    session.done(&map_args(MYTESTROLE));
    session.becomes(&credentials, &Who::user("admin", &["system:masters"]));
    credentials
}

/// Writes a kubeconfig whose user has this `exec` with awsauth as its command.
fn kubeconfig(session: &ExclusiveCluster, name: &str, mut exec: Value) -> PathBuf {
    exec["command"] = env!("CARGO_BIN_EXE_awsauth").into();
    let cluster = json!({"server": session.cluster.server_url(), "certificate-authority": session.cluster.ca()});
    let content = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"exec": exec}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    });
    let path = session.cluster.folder().join(format!("{name}.kubeconfig"));
    fs::write(&path, content.to_string()).unwrap();
    path
}

fn kubectl(
    session: &ExclusiveCluster,
    environment: &Environment,
    kubeconfig: &Path,
    args: &[&str],
) -> Run {
    let mut command = environment.command(session.cluster.kubectl_path());
    Run::of(command.arg("--kubeconfig").arg(kubeconfig).args(args))
}

/// Asserts that the user of this kubeconfig is an administrator.
#[track_caller]
fn signs_in(session: &ExclusiveCluster, environment: &Environment, kubeconfig: &Path) {
    let listed = kubectl(
        session,
        environment,
        kubeconfig,
        &["get", "namespaces", "-o", "name"],
    );
    listed.says(0, &[]);
    assert!(
        listed.stdout.contains("namespace/kube-system"),
        "{listed:?}"
    );
    assert_eq!(listed.stderr, "");
}

/// <https://github.com/aws/aws-cli/blob/1.46.2/awscli/customizations/eks/update_kubeconfig.py>
#[test]
fn aws_cli_kubeconfig_works() {
    let session = ExclusiveCluster::start();
    let credentials = mapped_credentials(&session);
    let environment = session
        .aws()
        .environment()
        .without("AWS_REGION")
        .with_credentials(&credentials);
    for (name, exec) in [
        (
            "aws",
            json!({
                "apiVersion": BETA,
                "args": ["--region", REGION, "eks", "get-token", "--cluster-name", eks::NAME, "--output", "json"],
            }),
        ),
        // A cluster on an Outpost.
        (
            "aws-id",
            json!({
                "apiVersion": BETA,
                "args": ["--region", REGION, "eks", "get-token", "--cluster-id", eks::NAME, "--output", "json"],
            }),
        ),
        (
            "aws-v1",
            json!({
                "apiVersion": V1,
                "interactiveMode": "IfAvailable",
                "provideClusterInfo": true,
                "args": ["--region", REGION, "eks", "get-token", "--cluster-name", eks::NAME, "--output", "json"],
            }),
        ),
    ] {
        signs_in(&session, &environment, &kubeconfig(&session, name, exec));
    }
}

/// <https://github.com/eksctl-io/eksctl/blob/main/pkg/utils/kubeconfig/kubeconfig.go>
#[test]
fn eksctl_kubeconfig_works() {
    let session = ExclusiveCluster::start();
    let credentials = mapped_credentials(&session);
    let environment = session
        .aws()
        .environment()
        .without("AWS_REGION")
        .with_credentials(&credentials);
    let regional = json!({"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"});
    for (name, exec) in [
        (
            "eksctl",
            json!({
                "apiVersion": BETA,
                "args": ["eks", "get-token", "--output", "json", "--cluster-name", eks::NAME, "--region", REGION],
                "env": [regional],
                "provideClusterInfo": false,
            }),
        ),
        (
            "eksctl-authenticator",
            json!({
                "apiVersion": BETA,
                "args": ["token", "-i", eks::NAME],
                "env": [regional, {"name": "AWS_DEFAULT_REGION", "value": REGION}],
                "provideClusterInfo": false,
            }),
        ),
    ] {
        signs_in(&session, &environment, &kubeconfig(&session, name, exec));
    }
}

/// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/README.md>
#[test]
fn aws_iam_authenticator_kubeconfig_works() {
    let session = ExclusiveCluster::start();
    let credentials = mapped_credentials(&session);
    let environment = session.aws().environment().with_credentials(&credentials);
    for (name, args, env) in [
        ("short", json!(["token", "-i", eks::NAME]), json!([])),
        (
            "options-first",
            json!(["-l", "json", "-i", eks::NAME, "token", "--cache"]),
            json!([]),
        ),
        (
            "variable",
            json!(["token"]),
            json!([{"name": "KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID", "value": eks::NAME}]),
        ),
    ] {
        let exec = json!({"apiVersion": BETA, "args": args, "env": env});
        signs_in(&session, &environment, &kubeconfig(&session, name, exec));
    }
}

#[test]
fn old_kubeconfig_is_fixed_by_the_hint() {
    let session = ExclusiveCluster::start();
    let credentials = mapped_credentials(&session);
    let environment = session.aws().environment().with_credentials(&credentials);
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1alpha1",
        "args": ["token", "-i", eks::NAME],
        "env": [{"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"}],
    });
    let kubeconfig = kubeconfig(&session, "old", exec);
    let refused = kubectl(&session, &environment, &kubeconfig, &["get", "namespaces"]);
    refused.says(1, &["invalid apiVersion"]);
    let version = format!("--exec-api-version={BETA}");
    let mend = ["config", "set-credentials", "u", &version];
    kubectl(&session, &environment, &kubeconfig, &mend).says(0, &[]);
    signs_in(&session, &environment, &kubeconfig);
}

#[test]
fn plugin_failure_is_shown_by_kubectl() {
    let session = ExclusiveCluster::start();
    let exec = json!({"apiVersion": BETA, "args": ["token", "-i", eks::NAME]});
    let kubeconfig = kubeconfig(&session, "nobody", exec);
    let run = kubectl(
        &session,
        &session.aws().environment(),
        &kubeconfig,
        &["get", "namespaces"],
    );
    run.says(
        1,
        &[
            "error: cannot create a token for cluster \"my-cluster\": ",
            "AWS_ACCESS_KEY_ID",
            "failed with exit code 3",
        ],
    );
}

#[test]
fn tokens_admit_the_expected_identity() {
    let session = ExclusiveCluster::start();
    let credentials = mapped_credentials(&session);
    let environment = session.aws().environment().with_credentials(&credentials);
    let ours = |cluster: &str, environment: &Environment| {
        let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
        let mut command = environment.command(program);
        let args = ["token", "--cluster-name", cluster, "--token-only"];
        let run = Run::that_prints(Prints::Token, command.args(args));
        run.says(0, &[]);
        run.stdout.trim_end().to_owned()
    };
    let admin = Who::user("admin", &["system:masters"]);
    assert_eq!(session.who(&ours(eks::NAME, &environment)), admin);
    for (name, value) in [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_REGION", "aws-global"),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
    ] {
        let elsewhere = environment.clone().with(name, value);
        assert_eq!(
            session.who(&ours(eks::NAME, &elsewhere)),
            admin,
            "{name}={value}"
        );
    }

    let for_another = ours("other-cluster", &environment);
    assert_eq!(session.who(&for_another), Who::Unauthorized);
}

#[test]
fn oversized_token_is_rejected_as_warned() {
    let session = ExclusiveCluster::start();
    mapped_credentials(&session);
    let fields = json!({"arn": MYTESTROLE_SESSION, "sessionTokenBytes": 3_500});
    let long = session.aws().sessions_with(&[fields]).remove(0);
    let environment = session.aws().environment().with_credentials(&long);
    let exec = json!({"apiVersion": BETA, "args": ["token", "-i", eks::NAME]});
    let kubeconfig = kubeconfig(&session, "long", exec);
    let run = kubectl(&session, &environment, &kubeconfig, &["get", "namespaces"]);
    run.says(
        1,
        &[
            "the authenticator accepts at most 4096",
            "You must be logged in to the server",
        ],
    );
}

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

/// Returns the environment of a user who is not mapped, but may assume a role that is an administrator, with an empty
/// home folder.
fn alice(session: &ExclusiveCluster) -> (Environment, tempfile::TempDir) {
    let user = session.aws().user(ALICE);
    session.aws().role(MYTESTROLE, &[trusts(ALICE)]);
    let home = tempfile::tempdir().unwrap();
    let environment = session.aws().environment();
    let environment = environment.with("HOME", &home.path().display().to_string());
    (environment.with_credentials(&user), home)
}

#[test]
fn kubeconfig_role_is_assumed() {
    let session = ExclusiveCluster::start();
    mapped_credentials(&session);
    let (environment, _home) = alice(&session);
    let alone = json!({"apiVersion": BETA, "args": ["token", "-i", eks::NAME]});
    let refused = kubectl(
        &session,
        &environment,
        &kubeconfig(&session, "alone", alone),
        &["get", "namespaces"],
    );
    refused.says(1, &["You must be logged in to the server"]);
    for (name, args) in [
        (
            "aws-role",
            &[
                "--region",
                REGION,
                "eks",
                "get-token",
                "--cluster-name",
                eks::NAME,
                "--output",
                "json",
                "--role",
                MYTESTROLE,
            ][..],
        ),
        (
            "eksctl-role",
            &[
                "eks",
                "get-token",
                "--output",
                "json",
                "--cluster-name",
                eks::NAME,
                "--region",
                REGION,
                "--role-arn",
                MYTESTROLE,
            ],
        ),
        (
            "authenticator-role",
            &["token", "-i", eks::NAME, "-r", MYTESTROLE],
        ),
    ] {
        let exec = json!({"apiVersion": BETA, "args": args});
        signs_in(&session, &environment, &kubeconfig(&session, name, exec));
    }
}

/// `aws eks update-kubeconfig --profile` and eksctl write the profile as a variable.
#[test]
fn kubeconfig_profile_is_used() {
    let session = ExclusiveCluster::start();
    let credentials = mapped_credentials(&session);
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    let content = format!(
        "[admin]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        credentials.access_key_id,
        credentials.secret_access_key,
        credentials.session_token.unwrap()
    );
    fs::write(home.path().join(".aws/credentials"), content).unwrap();
    let environment = session.aws().environment();
    let environment = environment.with("HOME", &home.path().display().to_string());
    let exec = json!({
        "apiVersion": BETA,
        "args": ["--region", REGION, "eks", "get-token", "--cluster-name", eks::NAME, "--output", "json"],
        "env": [{"name": "AWS_PROFILE", "value": "admin"}],
    });
    signs_in(
        &session,
        &environment,
        &kubeconfig(&session, "profile", exec),
    );
}
