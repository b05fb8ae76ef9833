//! `--cluster-name`: finding the cluster through EKS, without a kubeconfig.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::eks_cluster::harness::{
    ALLOWED, ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, PATIENCE, map_args,
};
use crate::support::child_process::send_signal;
use crate::support::completed_run::Run;
use crate::support::default_signal_actions;
use crate::support::editor_session::Terminal;
use crate::support::eks::{self, CREATOR};
use crate::support::environment::Environment;
use crate::support::simulated_aws::{REGION, trusts, trusts_service};
use crate::support::simulated_eks_api::EksService;

/// The session of a pipeline that has just created the cluster.
pub(crate) const CREATOR_SESSION: &str =
    "arn:aws:sts::111122223333:assumed-role/cluster-creator/ci";

/// Returns an EKS API that knows the session's cluster. `more` adds to its state or overrides it.
pub(crate) fn eks(session: &ExclusiveCluster, more: &Value) -> &'static EksService {
    let mut world = json!({
        "clusters": {eks::NAME: described(session)},
        // The AWS stand-in issues the keys and verifies the tokens that they sign.
        "strangers": true,
    });
    merge(&mut world, more);
    let eks = session
        .site
        .eks
        .get_or_init(|| EksService::start_in(session.cluster.eks_state(), &world));
    eks.set(&world);
    eks
}

/// Returns the response of DescribeCluster.
pub(crate) fn described(session: &ExclusiveCluster) -> Value {
    let ca = fs::read(session.cluster.ca()).unwrap();
    json!({
        "arn": arn(),
        "status": "ACTIVE",
        "endpoint": session.cluster.server_url(),
        "certificateAuthority": {"data": BASE64_STANDARD.encode(ca)},
        "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"},
    })
}

fn arn() -> String {
    format!("arn:aws:eks:{REGION}:111122223333:cluster/{}", eks::NAME)
}

fn merge(into: &mut Value, more: &Value) {
    match (into.as_object_mut(), more.as_object()) {
        (Some(object), Some(more)) => {
            for (key, value) in more {
                merge(object.entry(key).or_insert(Value::Null), value);
            }
        }
        _ => *into = more.clone(),
    }
}

/// Returns a change of the cluster's state.
pub(crate) fn with_cluster(more: &Value) -> Value {
    json!({"clusters": {eks::NAME: more}})
}

/// Returns an environment with a session of this ARN, and without a kubeconfig.
pub(crate) fn holding(session: &ExclusiveCluster, eks: &EksService, arn: &str) -> Environment {
    let credentials = session.aws().sessions(&[arn]).remove(0);
    let environment = eks.under(session.aws().environment());
    environment
        .with_credentials(&credentials)
        .with("KUBECONFIG", "/nonexistent/kubeconfig")
}

pub(crate) fn on(session: &ExclusiveCluster, environment: &Environment, args: &[&str]) -> Run {
    let named = ["--cluster-name", eks::NAME];
    session.awsauth(environment, &[args, &named].concat())
}

/// Runs awsauth on a terminal.
pub(crate) fn on_terminal(environment: &Environment, args: &[&str]) -> Terminal {
    let mut command = environment.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    command.args(args).args(["--cluster-name", eks::NAME]);
    Terminal::of(&command)
}

/// Runs awsauth, and kills it after EKS has carried out this operation for the nth time, counted from 0, and before awsauth
/// gets the answer.
pub(crate) fn kill_after(
    service: &EksService,
    (operation, nth): (&str, usize),
    environment: &Environment,
    args: &[&str],
) {
    let mut state = service.state();
    state["faults"] =
        json!([{"operation": operation, "fault": "hold", "skip": nth, "seconds": 120}]);
    service.set(&state);
    let before = service.asked().len();
    let mut command = environment.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    command.args(args).args(["--cluster-name", eks::NAME]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut run = command.stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = service.asked().split_off(before);
        if asked.iter().filter(|asked| *asked == operation).count() > nth {
            break;
        }
        assert!(Instant::now() < deadline, "no {operation}: {asked:?}");
        sleep(Duration::from_millis(20));
    }
    run.kill().unwrap();
    Run::ended(run).says(-1, &[]);
}

#[test]
fn every_command_accepts_a_cluster_name() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let before = eks.asked().len();
    let ci = holding(&session, eks, CREATOR_SESSION);
    let on = |args: &[&str]| on(&session, &ci, args);
    let place = format!("EKS cluster my-cluster ({})", session.cluster.server_url());

    on(&["get"]).says(
        0,
        &[&format!(
            "There is no aws-auth in {place}: only access entries grant access.\n"
        )],
    );
    let run = on(&map_args(MYTESTROLE));
    run.says(0, &[&format!("Created aws-auth on {place}.\n")]);
    let listed = on(&["get", "-o", "json"]).json();
    assert_eq!(listed["roles"][0]["arn"], MYTESTROLE);
    let explained = on(&["explain", MYTESTROLE, "-o", "json"]);
    assert_eq!(explained.json()["username"], "admin");

    let wanted = session.cluster.folder().join("by-name.yaml");
    fs::write(
        &wanted,
        "[{rolearn: arn:aws:iam::111122223333:role/deploy, username: deploy}]",
    )
    .unwrap();
    let wanted = wanted.to_str().unwrap();
    on(&["diff", "-f", wanted]).says(1, &[]);
    // The order of docs/ci.md.
    let run = on(&["apply", "-f", wanted, "--wait", "10m", "--verify"]);
    run.says(0, &[&format!("Wrote aws-auth to {place}.\n")]);
    assert!(
        run.stdout.ends_with("cluster-creator becomes user kubernetes-admin in groups system:masters, system:authenticated\n"),
        "{run:?}"
    );
    on(&["unmap", "role", "arn:aws:iam::111122223333:role/deploy"]).says(0, &["Wrote aws-auth"]);
    on(&[
        "verify",
        "--expect-username",
        "kubernetes-admin",
        "--can",
        "* * -A",
    ])
    .says(0, &[]);
    let who = on(&["whoami", "-o", "json"]).json();
    assert_eq!(who["cluster"]["server"], session.cluster.server_url());
    assert_eq!(who["cluster"]["context"], Value::Null);
    assert_eq!(who["cluster"]["name"], eks::NAME);
    assert_eq!(who["cluster"]["username"], "kubernetes-admin");

    // One request for the endpoint, and one for the access entries, of which there are none.
    let known = ["DescribeCluster", "ListAccessEntries"];
    let asked = eks.asked().split_off(before);
    assert!(
        asked.iter().all(|asked| known.contains(&asked.as_str())),
        "{asked:?}"
    );
    // The variable has the same effect.
    let named = ci.clone().with("AWSAUTH_CLUSTER_NAME", eks::NAME);
    assert_eq!(
        session.awsauth(&named, &["get", "-o", "json"]).json(),
        listed
    );
}

#[test]
fn version_shows_program_server_and_eks() {
    let session = ExclusiveCluster::start();
    let reported = json!({"version": "1.36", "platformVersion": "eks.7"});
    let eks = eks(&session, &with_cluster(&reported));
    let ci = holding(&session, eks, CREATOR_SESSION);
    let versions = on(&session, &ci, &["version", "-o", "json"]);
    versions.says(0, &[]);
    let versions = versions.json();
    assert_eq!(versions["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(versions["client"]["version"], versions["version"]);
    let server = &versions["server"];
    assert!(
        server["version"].as_str().unwrap().starts_with('v'),
        "{server}"
    );
    assert_eq!(server["platform"], "linux/amd64");
    let expected = json!({
        "name": eks::NAME, "arn": arn(), "version": "1.36", "platformVersion": "eks.7",
        "authenticationMode": "API_AND_CONFIG_MAP",
    });
    assert_eq!(versions["eks"], expected);
    let run = on(&session, &ci, &["version"]);
    let last = "EKS cluster my-cluster, version 1.36, platform eks.7, authentication mode API_AND_CONFIG_MAP\n";
    assert!(
        run.stdout.contains("\nAPI server v") && run.stdout.ends_with(last),
        "{run:?}"
    );

    let alone = session
        .awsauth(&ci, &["version", "-o", "json", "--client"])
        .json();
    assert_eq!(alone["server"], Value::Null);
    // Without a cluster, the known facts are shown.
    let unnamed = session.awsauth(&ci, &["version", "-o", "json"]);
    unnamed.says(0, &["The cluster's version is unknown:"]);
    let misspelt = session.awsauth(
        &ci,
        &["version", "-o", "json", "--cluster-name", "my-clutser"],
    );
    misspelt.says(3, &["there is no cluster \"my-clutser\""]);
    assert_eq!(misspelt.json()["client"], versions["client"]);
    // The server rejects an unknown caller.
    let stranger = session
        .aws()
        .user("arn:aws:iam::111122223333:user/stranger");
    let stranger = ci.with_credentials(&stranger).without("AWS_SESSION_TOKEN");
    let refused = on(&session, &stranger, &["version", "-o", "json"]);
    refused.says(3, &["cannot get the version of EKS cluster my-cluster"]);
    assert_eq!(refused.json()["eks"]["platformVersion"], "eks.7");
}

#[test]
fn expect_cluster_accepts_the_aliases_of_the_cluster() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let ci = holding(&session, eks, CREATOR_SESSION);
    let (arn, url) = (arn(), session.cluster.server_url());
    for expected in [eks::NAME, &arn, &url] {
        on(&session, &ci, &["get", "--expect-cluster", expected]).says(0, &[]);
    }
    for expected in ["prod", "admin", &arn.replace("my-", "your-")] {
        on(&session, &ci, &["get", "--expect-cluster", expected])
            .says(4, &["this is EKS cluster my-cluster", "wrong-cluster"]);
    }
}

#[test]
fn instance_and_assumed_role_sign_in() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let aws = session.aws();
    aws.role(MYTESTROLE, &[trusts_service("ec2.amazonaws.com")]);
    let url = aws.instance(&json!({
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "mytestrole", "role": MYTESTROLE,
    }));
    let home = tempfile::tempdir().unwrap();
    let instance = eks
        .under(aws.environment().on_instance(&url))
        .with("HOME", &home.path().display().to_string());
    on(&session, &instance, &["verify", "--timeout", "0"]).says(1, &["does not accept the token"]);
    on(&session, &instance, &["get"]).says(
        3,
        &[
            "the API server does not accept the credentials",
            "hint: check your identity in AWS and in the cluster: awsauth whoami --cluster-name my-cluster --region us-east-1\n",
        ],
    );

    // The cluster's creator maps it as a role that the instance may assume.
    aws.role(CREATOR, &[trusts(MYTESTROLE)]);
    let as_creator = [&map_args(MYTESTROLE)[..], &["--role-arn", CREATOR]].concat();
    on(&session, &instance, &as_creator).says(0, &["Created aws-auth on EKS cluster my-cluster"]);
    on(
        &session,
        &instance,
        &["verify", "--expect-username", "admin"],
    )
    .says(0, &[]);
    let listed = on(&session, &instance, &["get", "-o", "name"]);
    assert_eq!(listed.stdout, format!("{MYTESTROLE}\n"), "{listed:?}");
    let explained = on(
        &session,
        &instance,
        &["explain", MYTESTROLE_SESSION, "-o", "json"],
    );
    assert_eq!(explained.json()["username"], "admin");

    // kubectl's options apply as with a kubeconfig.
    on(
        &session,
        &instance,
        &["get", "--as", "dev", "--as-group", "devs"],
    )
    .says(
        3,
        &[
            "User \"dev\" cannot get resource \"configmaps\"",
            "awsauth kubeconfig --cluster-name my-cluster --region us-east-1",
        ],
    );
    on(&session, &instance, &["get", "--as-group", "devs"]).says(2, &["no user"]);
    let unmap = ["unmap", "role", MYTESTROLE];
    let own = ["--allow-self-lockout", "--allow-no-admin"];
    on(&session, &instance, &[&unmap[..], &own].concat()).says(0, &["Wrote aws-auth"]);
}

/// If two accounts have a cluster of the same name, the role's account is used.
#[test]
fn eks_is_requested_as_the_role_and_then_as_the_caller() {
    let session = ExclusiveCluster::start();
    let jo = session.aws().user("arn:aws:iam::111122223333:user/jo");
    session
        .aws()
        .role(CREATOR, &[trusts("arn:aws:iam::111122223333:user/jo")]);
    let denied = "User: arn:aws:sts::111122223333:assumed-role/cluster-creator/x is not authorized to perform: eks:DescribeCluster";
    let denied = json!({"DescribeCluster": denied});
    let eks = eks(
        &session,
        &json!({"denied": denied, "allowed": [jo.access_key_id]}),
    );
    let home = tempfile::tempdir().unwrap();
    let environment = eks.under(session.aws().environment()).with_credentials(&jo);
    let environment = environment.with("HOME", &home.path().display().to_string());
    let before = eks.asked().len();
    on(&session, &environment, &["get", "--role-arn", CREATOR]).says(0, &["There is no aws-auth"]);
    let asked = eks.asked().split_off(before);
    assert_eq!(
        asked,
        [
            "DescribeCluster AccessDeniedException",
            "DescribeCluster",
            "ListAccessEntries"
        ]
    );
    eks.set(&json!({"denied": denied, "strangers": true}));
    on(&session, &environment, &["get", "--role-arn", CREATOR]).says(
        3,
        &[
            "cannot describe EKS cluster \"my-cluster\": AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/cluster-creator/x is not",
            "\"Action\":\"eks:DescribeCluster\"",
        ],
    );
}

#[test]
fn unknown_cluster_is_reported_before_any_cluster_request() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let ci = holding(&session, eks, CREATOR_SESSION);
    session.awsauth(&ci, &["get", "--cluster-name", "my-clutser"]).says(
        3,
        &[
            "cannot describe EKS cluster \"my-clutser\": there is no cluster \"my-clutser\" in us-east-1 of account 111122223333",
            "hint: clusters in this region: my-cluster; try another region with --region",
        ],
    );
    on(&session, &ci, &["get", "--region", "eu-west-1"])
        .says(3, &["no cluster \"my-cluster\" in eu-west-1"]);
    on(&session, &ci.clone().without("AWS_REGION"), &["get"])
        .says(2, &["no region is configured", "--region eu-west-1"]);
    on(&session, &ci.without("AWS_ACCESS_KEY_ID"), &["get"]).says(
        3,
        &["cannot describe EKS cluster \"my-cluster\": no AWS credentials were found"],
    );
}

/// `verify` and `whoami` always sign in with AWS credentials. An explicit kubeconfig selects the server; the cluster
/// name selects the cluster of the token.
#[test]
fn verify_uses_an_explicit_kubeconfig() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({"clusters": {}}));
    session.done(&map_args(MYTESTROLE));
    let instance = holding(&session, eks, MYTESTROLE_SESSION);
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let named = [&["--kubeconfig", &kubeconfig], &ALLOWED[..]].concat();
    let before = eks.asked().len();
    let expected = ["verify", "--expect-username", "admin"];
    on(&session, &instance, &[&expected[..], &named].concat()).says(0, &[]);
    let who = on(&session, &instance, &[&["whoami"][..], &named].concat());
    assert!(who.stdout.contains("to context admin ("), "{who:?}");
    assert_eq!(eks.asked().len(), before, "EKS is not asked");
    on(&session, &instance, &[&["get"][..], &named].concat())
        .says(2, &["cannot use --cluster-name together with --kubeconfig"]);
}

#[test]
fn signal_while_eks_is_asked_prevents_the_write() {
    let session = ExclusiveCluster::start();
    let delay =
        json!({"faults": [{"operation": "ListAccessEntries", "fault": "delay", "seconds": 6}]});
    let marker = session.cluster.eks_state().join("delayed");
    for signals in [
        &["-INT"][..],
        &["-TERM"],
        &["-INT", "-INT"],
        &["-TERM", "-INT"],
    ] {
        let eks = eks(&session, &delay);
        let ci = holding(&session, eks, CREATOR_SESSION);
        let _ = fs::remove_file(&marker);
        let mut command = ci.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
        command
            .args(["--cluster-name", eks::NAME])
            .args(map_args(MYTESTROLE));
        default_signal_actions::reset_for_children();
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !marker.exists() {
            assert!(Instant::now() < deadline, "EKS was not asked");
            sleep(Duration::from_millis(50));
        }
        let before = eks.asked();
        for signal in signals {
            send_signal(signal, child.id());
            sleep(Duration::from_millis(300));
        }
        let run = Run::ended(child);
        match signals {
            [_] => run.says(130, &["interrupted; nothing was written"]),
            _ => {
                run.says(130, &["error: interrupted\n"]);
                assert_eq!(eks.asked(), before, "it ended before the response");
                // The stand-in changes its state when it responds.
                while eks.asked() == before {
                    sleep(Duration::from_millis(50));
                }
            }
        }
        assert!(session.api.get().is_err(), "{run:?}");
    }
}
