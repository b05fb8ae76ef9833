//! `awsauth token` from exec to exit, compared with the programs that it replaces, and its effect on `kubectl get`.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::measure::child_process::{must_succeed, timed_run};
use crate::measure::release_binary::Awsauth;
use crate::measure::timing::{
    heading, interleaved, row, row_at_least, row_at_most, row_difference,
};
use crate::measured_commands::KUBECTL_GET;
use crate::support::cluster::Cluster;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::go_programs::Binary;
use crate::support::python::Packages;
use crate::support::simulated_aws::{ACCOUNT, Aws, trusts, trusts_service};

const TOKEN: [&str; 3] = ["token", "-i", eks::NAME];
const GET_TOKEN: [&str; 8] = [
    "--region",
    "us-east-1",
    "eks",
    "get-token",
    "--cluster-name",
    eks::NAME,
    "--output",
    "json",
];

pub(crate) fn run(awsauth: &Awsauth) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let environment = Environment::new(home.path())
        .with("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
        .with(
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        )
        .with("AWS_SESSION_TOKEN", &"FwoGZXIvYXdzE/+=".repeat(40))
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_REGION", "us-east-1");
    let timed = |program: &Path, args: &[&str]| timed_run(environment.command(program).args(args));

    let [nothing, token, get_token, with_clap] = interleaved(
        400,
        [
            &mut || timed(Path::new("/bin/true"), &[]),
            &mut || timed(awsauth.path(), &TOKEN),
            &mut || timed(awsauth.path(), &GET_TOKEN),
            &mut || timed(awsauth.path(), &["--quiet", "token", "-i", eks::NAME]),
        ],
    );
    heading("A token from credentials in the environment");
    row("/bin/true", &nothing);
    row_at_most("awsauth token", &token, &nothing, Some(1.5));
    row_at_most("awsauth eks get-token", &get_token, &nothing, Some(1.5));
    row_at_most("awsauth token, parsed by clap", &with_clap, &nothing, None);

    heading("Other programs, as a multiple of awsauth");
    let compare = |label: &str, rounds, program: &Path, args: &[&str], goal| {
        let [ours, theirs] = interleaved(
            rounds,
            [&mut || timed(awsauth.path(), args), &mut || {
                timed(program, args)
            }],
        );
        row_at_least(label, &theirs, &ours, goal);
    };
    let authenticator = Binary::Authenticator.path();
    compare(
        "aws-iam-authenticator token",
        40,
        &authenticator,
        &TOKEN,
        10.0,
    );
    match Packages::Awscli.programs() {
        Ok(programs) => compare(
            "aws eks get-token",
            15,
            &programs.join("aws"),
            &GET_TOKEN,
            200.0,
        ),
        Err(reason) => println!("the AWS CLI is not measured: {reason}"),
    }
    from_aws(awsauth);
    with_kubectl(awsauth);
}

/// Measures tokens whose credentials come from a cached session or from instance metadata.
fn from_aws(awsauth: &Awsauth) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let aws = Aws::start(&folder.path().join("aws")).expect("the AWS stand-in");
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    let user = format!("arn:aws:iam::{ACCOUNT}:user/bench");
    let keys = aws.user(&user);
    aws.role(&role("second"), &[trusts(&user)]);
    aws.role(&role("node"), &[trusts_service("ec2.amazonaws.com")]);
    let metadata = aws.instance(&json!({
        "id": "i-0123456789abcdef0", "metadata": "v2", "profile": "node", "role": role("node"),
    }));
    let home = folder.path().display().to_string();
    let here = aws.environment().with("HOME", &home);
    let with_keys = here.clone().with_credentials(&keys);
    let on_instance = here.on_instance(&metadata);
    let timed = |environment: &Environment, more: &[&str]| {
        timed_run(environment.command(awsauth.path()).args(TOKEN).args(more))
    };
    let second = role("second");
    let as_second = ["--role-arn", second.as_str()];
    let [environment, cached, instance] = interleaved(
        100,
        [
            &mut || timed(&with_keys, &[]),
            &mut || timed(&with_keys, &as_second),
            &mut || timed(&on_instance, &[]),
        ],
    );
    let asked = aws.requests();
    let count = |service: &str| {
        asked
            .iter()
            .filter(|asked| asked.service == service)
            .count()
    };
    assert_eq!((count("sts"), count("imds")), (1, 3 * 101));
    heading("A token from credentials of other sources");
    row("awsauth token, from the environment", &environment);
    row_at_most(
        "with a cached session of a role",
        &cached,
        &environment,
        None,
    );
    row_difference(
        "with instance metadata, three requests",
        &instance,
        &environment,
        Duration::from_millis(3),
    );
}

/// Measures how much longer `kubectl get` takes with the exec plugin than with a token in the kubeconfig.
fn with_kubectl(awsauth: &Awsauth) {
    let cluster = Cluster::start_eks(&[]);
    let role = "arn:aws:iam::111122223333:role/admins";
    let map = format!("- rolearn: {role}\n  username: admin\n  groups: [system:masters]\n");
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": map},
    });
    cluster.kubectl_fed(&["apply", "-f", "-"], &object.to_string());
    let session = "arn:aws:sts::111122223333:assumed-role/admins/bench";
    let credentials = cluster.aws().sessions(&[session]).remove(0);
    let environment = cluster.aws().environment().with_credentials(&credentials);

    let with_plugin = kubeconfig(
        &cluster,
        "plugin",
        &json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "interactiveMode": "Never",
            "command": awsauth.path(),
            "args": TOKEN,
        }}),
    );
    let kubectl = |kubeconfig: &Path| {
        let mut command = environment.command(cluster.kubectl_path());
        command
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(KUBECTL_GET);
        command
    };
    while !kubectl(&with_plugin)
        .output()
        .is_ok_and(|done| done.status.success())
    {
        sleep(Duration::from_millis(200));
    }
    let fresh = || {
        let mut command = environment.command(awsauth.path());
        let done = command.args(TOKEN).arg("--token-only").output();
        let token = must_succeed(&command, done).stdout;
        let token = String::from_utf8_lossy(&token).trim_end().to_owned();
        kubeconfig(&cluster, "token", &json!({"token": token}))
    };
    let [token, plugin] = interleaved(
        15,
        [
            // Each second gives a new token, which the API server has not cached yet.
            &mut || {
                next_second();
                timed_run(&mut kubectl(&fresh()))
            },
            &mut || {
                next_second();
                timed_run(&mut kubectl(&with_plugin))
            },
        ],
    );
    heading("kubectl get configmap aws-auth, signed in by the authenticator");
    row("with a token in the kubeconfig", &token);
    row_difference(
        "with awsauth token",
        &plugin,
        &token,
        Duration::from_millis(5),
    );
}

fn kubeconfig(cluster: &Cluster, name: &str, user: &serde_json::Value) -> PathBuf {
    let server = json!({"server": cluster.server_url(), "certificate-authority": cluster.ca()});
    let content = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    });
    let path = cluster.folder().join(format!("{name}.kubeconfig"));
    std::fs::write(&path, content.to_string()).expect("a kubeconfig");
    path
}

/// Waits until the next second begins.
fn next_second() {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    sleep(Duration::from_secs(1) - Duration::from_nanos(now.subsec_nanos().into()));
}
