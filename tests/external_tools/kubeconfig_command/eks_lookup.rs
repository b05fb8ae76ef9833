//! Cluster facts from moto's EKS, and from a simulated EKS API.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::kubeconfig_command::harness::Harness;
use crate::support::completed_run::Run;
use crate::support::moto::Moto;
use crate::support::python::Packages;
use crate::support::simulated_eks_api::EksService;

const OUR_PROGRAM: &str = env!("CARGO_BIN_EXE_awsauth");
const ARN: &str = "arn:aws:eks:eu-west-1:123456789012:cluster/prod";

fn in_moto(moto: &Moto) -> Harness {
    Harness::new()
        .with_keys()
        .with("AWS_ENDPOINT_URL", moto.url())
}

#[test]
fn endpoint_and_certificate_come_from_eks() {
    let moto = Moto::start(&["eu-west-1/prod", "eu-west-1/dev"]);
    let harness = in_moto(&moto);
    let in_region = ["--region", "eu-west-1"];
    let run = harness.awsauth(&[&["--cluster-name", "prod"][..], &in_region].concat());
    run.says(0, &["Wrote "]);
    assert!(
        run.stdout
            .starts_with(&format!("cluster {ARN} added\nuser {ARN} added\n"))
    );
    let text = harness.read(".kube/config");
    assert!(text.contains(".eu-west-1.eks.amazonaws.com/\n"), "{text}");
    assert!(text.contains("      - --region\n      - eu-west-1\n"));

    // The name that the AWS CLI uses.
    let run = harness.awsauth(&[&["--name", "dev"][..], &in_region].concat());
    run.says(0, &[]);

    let run = harness.awsauth(&[&["--cluster-name", "prd"][..], &in_region].concat());
    run.says(
        3,
        &[
            "cannot describe EKS cluster \"prd\": there is no cluster \"prd\" in eu-west-1 of account 123456789012",
            "hint: clusters in this region: prod, dev; try another region with --region",
        ],
    );
    let run = harness.awsauth(&["--cluster-name", "prod", "--region", "us-east-1"]);
    run.says(
        3,
        &[
            "in us-east-1 of account",
            "aws eks list-clusters --region us-east-1",
        ],
    );
    let run = harness.awsauth(&["--cluster-name", "prod"]);
    run.says(2, &["no region is configured", "--region eu-west-1"]);
}

/// The file, the names and the current context are those of the AWS CLI.
#[test]
fn file_and_names_match_the_aws_cli() {
    let moto = Moto::start(&["eu-west-1/prod"]);
    let ours = format!("clusters:\n- name: {ARN}\n  cluster: {{server: old}}\n");
    let files = [("one", "current-context: mine\n"), ("two", ours.as_str())];
    for (list, more) in [
        (None, &[][..]),
        (Some("one:two"), &["--alias", "short"]),
        (Some("one"), &["--user-alias", "me"]),
        (
            Some("missing:one"),
            &["--user-alias", "me", "--alias", "short"],
        ),
        (Some("one:two"), &["--kubeconfig", "named"]),
        // Version 1 of the AWS CLI would fetch a value that begins with http.
        (
            None,
            &["--proxy-url", "socks5://proxy.test:1080", "--verbose"],
        ),
    ] {
        let by_program = ["aws", "awsauth kubeconfig", "awsauth eks"].map(|program| {
            let mut harness = in_moto(&moto);
            if let Some(list) = list {
                harness = harness.with("KUBECONFIG", list);
            }
            for (name, text) in files {
                harness.write(name, text);
            }
            let name = ["--name", "prod", "--region", "eu-west-1"];
            let (program, words) = match program {
                "aws" => {
                    let python = Packages::Awscli.python().get_program().to_owned();
                    (python, &["-m", "awscli", "eks", "update-kubeconfig"][..])
                }
                "awsauth eks" => (OUR_PROGRAM.into(), &["eks", "update-kubeconfig"][..]),
                _ => (OUR_PROGRAM.into(), &["kubeconfig"][..]),
            };
            let mut command = harness.command(Path::new(&program));
            Run::of(command.args(words).args(name).args(more)).says(0, &[]);
            let all = [".kube/config", "one", "two", "missing", "named"];
            let texts = all.map(|file| {
                harness
                    .path(file)
                    .exists()
                    .then(|| names(&harness.read(file)))
            });
            all.into_iter().zip(texts).collect::<Vec<_>>()
        });
        assert_eq!(by_program[1], by_program[0], "{list:?} {more:?}");
        assert_eq!(by_program[2], by_program[0], "{list:?} {more:?}");
    }
}

/// The names of all entries, what contexts refer to, and the current context.
fn names(text: &str) -> Value {
    let read: Value = serde_yaml::from_str(text).expect("YAML");
    let names = |list: &str| -> Vec<Value> {
        let items = read[list].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["name"].clone()).collect()
    };
    json!({
        "clusters": names("clusters"),
        "proxies": read["clusters"].as_array().map(|clusters| {
            let proxies = clusters.iter().map(|item| item["cluster"]["proxy-url"].clone());
            proxies.collect::<Vec<_>>()
        }),
        "users": names("users"),
        "contexts": read["contexts"],
        "current": read["current-context"],
    })
}

fn cluster(status: &str) -> Value {
    json!({
        "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
        "status": status,
        "endpoint": "https://0A1B.gr7.eu-west-1.eks.amazonaws.com",
        "certificateAuthority": {"data": "LS0tLS1CRUdJTi=="},
    })
}

/// Returns a harness that uses this EKS API.
fn of(service: &EksService) -> Harness {
    let mut harness = Harness::new().with("AWS_REGION", "eu-west-1");
    harness.environment = service.with_keys(harness.environment);
    // No other cluster is known.
    harness.with("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
}

#[test]
fn missing_eks_facts_are_reported_with_a_hint() {
    let service = EksService::start(&json!({"clusters": {"prod": cluster("ACTIVE")}}));
    let harness = of(&service);
    let ask = |more: &[&str]| harness.awsauth(&[&["--cluster-name", "prod"], more].concat());
    ask(&[]).says(0, &[]);
    assert_eq!(service.asked(), ["DescribeCluster"]);

    let denied = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    service.set(&json!({"denied": {"DescribeCluster": denied, "ListClusters": denied}}));
    ask(&[]).says(3, &[
        "cannot describe EKS cluster \"prod\": AccessDeniedException: User: arn:aws:iam::111122223333:user/ann is not",
        "hint: ask an administrator to add this to a policy of arn:aws:iam::111122223333:user/ann: {\"Effect\":\"Allow\",\"Action\":\"eks:DescribeCluster\",\"Resource\":\"arn:aws:eks:eu-west-1:111122223333:cluster/prod\"}",
        "--endpoint URL",
    ]);

    service.set(&json!({"denied": {"ListClusters": denied}}));
    ask(&[]).says(
        3,
        &[
            "there is no cluster \"prod\" in eu-west-1\n",
            "aws eks list-clusters --region eu-west-1",
        ],
    );

    for status in ["FAILED", "DELETING"] {
        service.set(&json!({"clusters": {"prod": cluster(status)}}));
        ask(&["--wait", "1m"]).says(
            3,
            &[
                &format!("the cluster prod is {status}\n"),
                "aws eks describe-cluster --name prod",
            ],
        );
    }
    let bare =
        json!({"arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod", "status": "ACTIVE"});
    service.set(&json!({"clusters": {"prod": bare}}));
    ask(&[]).says(3, &["EKS's response has no endpoint for cluster prod"]);

    service.set(&json!({"keys": {}}));
    ask(&[]).says(
        3,
        &[
            "UnrecognizedClientException",
            "hint: the access key was deleted",
        ],
    );
    let harness = of(&service).with("AWS_ENDPOINT_URL_EKS", "http://127.0.0.1:9");
    harness
        .awsauth(&["--cluster-name", "prod"])
        .says(3, &["AWS cannot be reached", "AWS_ENDPOINT_URL"]);
    let harness = of(&service).with("AWS_ENDPOINT_URL_EKS", "nowhere");
    harness
        .awsauth(&["--cluster-name", "prod"])
        .says(2, &["AWS_ENDPOINT_URL_EKS is \"nowhere\", which is not"]);
}

#[test]
fn cluster_in_creation_is_waited_for() {
    let service = EksService::start(&json!({"clusters": {"prod": cluster("CREATING")}}));
    let harness = of(&service);
    harness
        .awsauth(&["--cluster-name", "prod"])
        .says(3, &["the cluster prod is CREATING", "--wait 20m"]);
    let mut command = harness.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    command.args(["kubeconfig", "--cluster-name", "prod", "--wait", "1m"]);
    let run = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    while service.asked().len() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    service.set(&json!({"clusters": {"prod": cluster("ACTIVE")}}));
    let run = Run::ended(run);
    run.says(
        0,
        &["Waiting for EKS: the cluster prod is CREATING\n", "Wrote "],
    );
}

/// Like the AWS CLI, which calls EKS with the caller's own credentials and uses the role only for tokens.
#[test]
fn eks_is_requested_as_the_role_only_if_the_caller_is_denied() {
    let service = EksService::start(&json!({"clusters": {"prod": cluster("ACTIVE")}}));
    let harness = of(&service);
    let role = "arn:aws:iam::111122223333:role/admin";
    let with_role = ["--cluster-name", "prod", "--role-arn", role];
    // There is no STS, so the role cannot have been assumed.
    harness.awsauth(&with_role).says(0, &[]);
    service.set(&json!({}));
    harness
        .awsauth(&with_role)
        .says(3, &["AWS cannot be reached"]);
}

/// As in the AWS CLI, the role is only for the lookup, and the whole file is printed.
#[test]
fn role_for_the_lookup_is_assumed_and_not_used_for_tokens() {
    let service = EksService::start(&json!({"clusters": {"prod": cluster("ACTIVE")}}));
    let harness = of(&service);
    let role = "arn:aws:iam::111122223333:role/reader";
    // There is no STS, so the role cannot be assumed; the caller's own credentials would find the cluster.
    let with_role = ["--cluster-name", "prod", "--assume-role-arn", role];
    let refused = harness.awsauth(&with_role);
    refused.says(3, &["cannot assume arn:aws:iam::111122223333:role/reader"]);
    assert_eq!(service.asked(), [""; 0]);

    harness.write(".kube/config", "# mine\napiVersion: v1\nkind: Config\n");
    let mut command = harness.command(Path::new(OUR_PROGRAM));
    let words = [
        "--region",
        "eu-west-1",
        "eks",
        "update-kubeconfig",
        "--name",
    ];
    let printed = Run::of(
        command
            .args(words)
            .args(["prod", "--dry-run", "--output", "json"]),
    );
    printed.says(0, &[]);
    assert!(printed.stdout.starts_with("# mine\n"), "{}", printed.stdout);
    assert!(printed.stdout.contains("current-context: arn:aws:eks:"));
    assert!(!harness.read(".kube/config").contains("clusters"));
}

#[test]
fn local_outpost_cluster_is_identified_by_its_id() {
    let mut local = cluster("ACTIVE");
    local["id"] = "4d5e6f".into();
    local["outpostConfig"] = json!({"outpostArns": ["arn:aws:outposts:eu-west-1:111122223333:outpost/op-1"], "controlPlaneInstanceType": "m5.large"});
    let service = EksService::start(&json!({"clusters": {"prod": local}}));
    let run = of(&service).awsauth(&["--cluster-name", "prod", "--print"]);
    run.says(0, &[]);
    assert!(
        run.stdout
            .contains("      - --cluster-name\n      - \"4d5e6f\"\n"),
        "{}",
        run.stdout
    );
}
