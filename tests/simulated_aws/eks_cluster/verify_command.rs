//! `awsauth verify`: the resulting identity and its permissions.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, map_args};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::simulated_aws::Credentials;

/// Returns an environment with a kubeconfig and these credentials.
fn with_kubeconfig(session: &ExclusiveCluster, credentials: &Credentials) -> Environment {
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let environment = session.aws().environment().with_credentials(credentials);
    environment
        .with("KUBECONFIG", &kubeconfig)
        .with("AWSAUTH_CLUSTER_NAME", eks::NAME)
}

fn mytestrole(session: &ExclusiveCluster) -> Environment {
    let credentials = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    with_kubeconfig(session, &credentials)
}

fn verify(session: &ExclusiveCluster, environment: &Environment, more: &[&str]) -> Run {
    session.awsauth_on_kubeconfig(environment, &[&["verify"][..], more].concat())
}

const ONCE: [&str; 2] = ["--timeout", "0"];

#[test]
fn verified_identity_is_shown_with_its_permissions() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let environment = mytestrole(&session);
    let args = [
        "--expect-username",
        "admin",
        "--expect-group",
        "system:masters",
        "--can",
        "* * -A",
        "--can",
        "get /metrics",
    ];
    let run = verify(&session, &environment, &args);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(
        run.stdout,
        "arn:aws:iam::111122223333:role/mytestrole becomes user admin in groups system:masters, system:authenticated\n\
         ACTION         ALLOWED   REASON\n\
         * * -A         yes       <none>\n\
         get /metrics   yes       <none>\n"
    );
    let args = [&args[..], &["-o", "json"]].concat();
    let json = verify(&session, &environment, &args).json();
    assert_eq!(json["ok"], true);
    assert_eq!(json["username"], "admin");
    assert_eq!(
        json["groups"],
        json!(["system:masters", "system:authenticated"])
    );
    assert_eq!(json["extra"]["canonicalArn"], json!([MYTESTROLE]));
    assert_eq!(json["extra"]["arn"], json!([MYTESTROLE_SESSION]));
    assert_eq!(json["can"][0], json!({"what": "* * -A", "allowed": true}));
    assert_eq!(json["unmet"], json!([]));
}

#[test]
fn verify_waits_for_a_change_to_take_effect() {
    let session = ExclusiveCluster::start();
    let environment = mytestrole(&session);
    let refused = verify(&session, &environment, &ONCE);
    refused.says(1, &["does not accept the token"]);
    let cluster = session.cluster;
    let later = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        let roles = format!("[{{rolearn: {MYTESTROLE}, username: admin}}]");
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
            "data": {"mapRoles": roles},
        });
        cluster.kubectl_fed(&["create", "-f", "-"], &object.to_string());
    });
    let run = verify(&session, &environment, &["--expect-username", "admin"]);
    later.join().unwrap();
    run.says(
        0,
        &[
            "Waiting up to 30 s for a change to take effect: the API server does not accept the token\n",
            "It took effect after ",
        ],
    );
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
}

#[test]
fn access_is_unknown_while_the_authenticator_hangs() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let environment = mytestrole(&session);
    verify(&session, &environment, &["--expect-username", "admin"]).says(0, &[]);
    // The API server caches its answer for a token, and a token of the same second is the same.
    std::thread::sleep(Duration::from_millis(1100));
    let suspended = session.cluster.suspend_authenticator();
    timeout_is_reported_as_unknown(&session, &environment, &["verify"], 3);
    timeout_is_reported_as_unknown(&session, &environment, &["verify", "--can", "get pods"], 4);
    timeout_is_reported_as_unknown(&session, &environment, &["whoami"], 4);
    timeout_is_reported_as_unknown(&session, &environment, &["verify"], 12);
    drop(suspended);
    // The authenticator runs, and STS does not answer it.
    session
        .aws()
        .fault(&json!({"service": "sts", "action": "GetCallerIdentity", "hang": true}));
    timeout_is_reported_as_unknown(&session, &environment, &["verify"], 4);
    timeout_is_reported_as_unknown(&session, &environment, &["verify"], 20);
    session.aws().no_faults();
    verify(&session, &environment, &["--expect-username", "admin"]).says(0, &[]);
}

fn timeout_is_reported_as_unknown(
    session: &ExclusiveCluster,
    environment: &Environment,
    args: &[&str],
    seconds: u64,
) {
    let time_limit = format!("{seconds}s");
    let begun = Instant::now();
    let run =
        session.awsauth_on_kubeconfig(environment, &[args, &["--timeout", &time_limit]].concat());
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(seconds + 3),
        "{args:?}: {took:?}"
    );
    let output = format!("{}{}", run.stdout, run.stderr);
    for claim in [
        "does not map",
        "does not accept",
        "awsauth map",
        "not mapped",
    ] {
        assert!(!output.contains(claim), "{claim:?} in {run:?}");
    }
    match args[0] {
        "whoami" => assert!(output.contains("accepts your token is unknown"), "{run:?}"),
        _ => run.says(
            3,
            &[
                "cannot tell whether ",
                "whether the identity is mapped is unknown",
            ],
        ),
    }
}

const PODS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: verify-pods, namespace: default}
rules:
- {apiGroups: [''], resources: [pods, pods/log], verbs: [get, list]}
- {apiGroups: [apps], resources: [deployments], resourceNames: [web], verbs: [update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: verify-pods, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: verify-pods}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: devs}]
";

#[test]
fn unexpected_identity_is_reported() {
    let session = ExclusiveCluster::start();
    session.cluster.kubectl_fed(&["apply", "-f", "-"], PODS);
    session.done(&[
        "map",
        "role",
        MYTESTROLE,
        "--username",
        "dev",
        "--group",
        "devs",
    ]);
    let environment = mytestrole(&session);
    let as_expected = ["--expect-username", "dev", "--expect-group", "devs"];
    let can = [
        "list po -n default",
        "list pods",
        "get pod/web --subresource=log",
        "update deploy/web -n default",
        "get Deployments.v1.apps -n default",
        "list nodes",
        "list pods -A",
        "get /metrics",
        "list things",
    ];
    let can: Vec<&str> = can
        .iter()
        .flat_map(|&question| ["--can", question])
        .collect();
    let wait = verify(&session, &environment, &as_expected);
    assert_eq!(wait.status, 0, "{wait:?}");

    let run = verify(&session, &environment, &[&ONCE[..], &can].concat());
    run.says(
        1,
        &[
            "warning: context admin (",
            ") has no such resource: list things\n",
            "error: signing in to context admin (",
            ") did not give the expected access\n\
         \x20 it may not get Deployments.v1.apps -n default\n\
         \x20 it may not list nodes\n\
         \x20 it may not list pods -A\n\
         \x20 it may not get /metrics\n\
         \x20 it may not list things\n\
         hint: check which entry applies, and what RBAC allows: awsauth --kubeconfig ",
            " explain arn:aws:iam::111122223333:role/mytestrole\n",
        ],
    );
    assert!(run.stdout.contains("\nlist po -n default                   yes       RBAC: allowed by RoleBinding \"verify-pods/default\" of Role \"verify-pods\" to Group \"devs\"\n"), "{run:?}");
    let json = verify(
        &session,
        &environment,
        &[&ONCE[..], &can, &["-o", "json"]].concat(),
    )
    .json();
    assert_eq!(json["ok"], false);
    let allowed: Vec<bool> = json["can"]
        .as_array()
        .unwrap()
        .iter()
        .map(|can| can["allowed"].as_bool().unwrap())
        .collect();
    assert_eq!(
        allowed,
        [true, true, true, true, false, false, false, false, false]
    );

    let other = [
        &ONCE[..],
        &[
            "--expect-username",
            "admin",
            "--expect-group",
            "devs",
            "--expect-group",
            "ops",
        ],
    ]
    .concat();
    verify(&session, &environment, &other).says(
        1,
        &["  the username is \"dev\", not \"admin\"\n  group \"ops\" is not among its groups\n"],
    );
}

#[test]
fn rejected_token_is_reported_with_possible_causes() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let environment = mytestrole(&session);
    assert_eq!(verify(&session, &environment, &[]).status, 0);
    let run = verify(
        &session,
        &environment,
        &["--timeout=0", "--cluster-name", "other", "-o", "json"],
    );
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    run.says(
        1,
        &[&format!(
            "error: context admin ({}) does not accept the token\n\
             \x20 AWS identifies its owner as {MYTESTROLE_SESSION}\n\
             \x20 either the cluster does not map {MYTESTROLE}, or it is not the cluster that the token is for: \"other\"\n\
             hint: to give it access, a user who can write aws-auth runs: awsauth --kubeconfig {kubeconfig} map role {MYTESTROLE} --username mytestrole --group GROUP\n\
             hint: check which entries nearly match: awsauth --kubeconfig {kubeconfig} explain {MYTESTROLE}\n\
             hint: if no administrator can sign in, and you have IAM permissions: awsauth rescue --cluster-name other --region us-east-1\n\
             hint: check whether its endpoint is that of cluster \"other\": aws eks describe-cluster --name other --region us-east-1 --query cluster.endpoint\n",
            session.cluster.server_url()
        )],
    );
    assert_eq!(
        run.json(),
        json!({
            "ok": false, "username": null, "groups": [], "canonicalArn": MYTESTROLE, "extra": {}, "can": [],
            "unmet": ["the API server does not accept the token"],
        })
    );
    let user = session.aws().user("arn:aws:iam::111122223333:user/team/jo");
    verify(&session, &with_kubeconfig(&session, &user), &ONCE).says(
        1,
        &[" map user arn:aws:iam::111122223333:user/team/jo --username jo --group GROUP\n"],
    );
    // Without AWS, the identity of the token is unknown.
    let alone = environment
        .clone()
        .with("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    verify(
        &session,
        &alone,
        &["--timeout=0", "--cluster-name", "other"],
    )
    .says(
        1,
        &[
            "its identity could not be checked: AWS cannot be reached",
            "aws eks describe-cluster --name other",
        ],
    );
    // A token that every authenticator would reject is not retried.
    let long = environment.with("AWS_SESSION_TOKEN", &"x".repeat(4096));
    verify(&session, &long, &[]).says(
        1,
        &[
            "it is longer than the 4096 bytes",
            "hint: use a session with fewer",
        ],
    );
}

#[test]
fn forbidden_self_review_is_reported() {
    let session = ExclusiveCluster::start();
    session.done(&[
        "map",
        "role",
        MYTESTROLE,
        "--username",
        "dev",
        "--group",
        "devs",
    ]);
    let environment = mytestrole(&session);
    assert_eq!(verify(&session, &environment, &[]).status, 0);
    let binding = ["clusterrolebinding", "system:basic-user"];
    let kept = session
        .cluster
        .kubectl(&[&["get", "-o", "yaml"][..], &binding].concat());
    session
        .cluster
        .kubectl(&[&["delete"][..], &binding].concat());
    let run = verify(&session, &environment, &["--timeout", "3s"]);
    session
        .cluster
        .kubectl_fed(&["replace", "--force", "-f", "-"], &kept);
    run.says(1, &[
        "accepts the token, but does not report its user: selfsubjectreviews.authentication.k8s.io is forbidden: User \"dev\" cannot create",
        "hint: bind the ClusterRole system:basic-user to system:authenticated",
    ]);
}

#[test]
fn missing_sign_in_options_are_requested() {
    let session = ExclusiveCluster::start();
    let environment = mytestrole(&session);
    let unnamed = environment.clone().without("AWSAUTH_CLUSTER_NAME");
    verify(&session, &unnamed, &[]).says(
        2,
        &[
            "the kubeconfig does not contain the name of the EKS cluster",
            "--cluster-name NAME",
        ],
    );
    let stranger = environment.clone().without("AWS_ACCESS_KEY_ID");
    verify(&session, &stranger, &[]).says(
        3,
        &[
            "cannot sign in to context admin",
            "no AWS credentials were found",
        ],
    );
    for (more, message) in [
        (&["--file", "x.yaml"][..], "cannot sign in to a file"),
        (&["--as", "somebody"], "impersonation"),
        (&["--region", "us_east"], "is not a region"),
        (&["--can", "get"], "a permission consists of a verb"),
        (&["--expect-cluster", "prod"], "not prod"),
    ] {
        let run = verify(&session, &environment, more);
        assert!([2, 4].contains(&run.status), "{run:?}");
        assert!(run.stderr.contains(message), "{run:?}");
    }
}

#[test]
fn cluster_name_comes_from_the_kubeconfig_and_its_user_is_ignored() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let kubeconfig = std::fs::read_to_string(session.cluster.kubeconfig()).unwrap();
    let mut kubeconfig: serde_json::Value = serde_json::from_str(&kubeconfig).unwrap();
    kubeconfig["users"][0]["user"] = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "/nonexistent/aws",
        "args": ["--region", "us-west-2", "eks", "get-token", "--cluster-name", eks::NAME],
    }});
    let path = session.cluster.folder().join("exec.kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    let environment = mytestrole(&session)
        .without("AWSAUTH_CLUSTER_NAME")
        .with("KUBECONFIG", &path.display().to_string());
    session.aws().forget_requests();
    let run = verify(&session, &environment, &["--expect-username", "admin"]);
    assert_eq!(run.status, 0, "{run:?}");
    let asked = session.aws().requests();
    assert!(
        asked
            .iter()
            .any(|asked| asked.host == "sts.us-west-2.amazonaws.com"),
        "{asked:?}"
    );
    // A variable that names another cluster, whose tokens would be accepted there.
    let misled = environment.with("AWSAUTH_CLUSTER_NAME", "another");
    verify(&session, &misled, &["--expect-username", "admin"]).says(0, &[]);
    verify(
        &session,
        &misled,
        &["--cluster-name", "another", "--timeout", "0"],
    )
    .says(1, &[]);
}
