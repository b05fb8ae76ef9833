//! Lint with facts of EKS.

use serde_json::{Value, json};

use crate::eks_cluster::access_entries::{put, world};
use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on, with_cluster};
use crate::eks_cluster::harness::ExclusiveCluster;
use crate::support::completed_run::Run;
use crate::support::moto::Moto;

const NODES: &str = "- {rolearn: arn:aws:iam::111122223333:role/nodes, username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:nodes', 'system:bootstrappers']}";

/// IAM with every principal that aws-auth names.
fn iam() -> Moto {
    let statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
    let trust = json!({"Version": "2012-10-17", "Statement": [statement]});
    let roles =
        json!({"mytestrole": trust, "team/dev": trust, "nodes": trust, "cluster-creator": trust});
    Moto::start(&[&json!({"account": "111122223333", "roles": roles}).to_string()])
}

fn ids(run: &Run) -> Vec<String> {
    let found = run.json()["findings"].take();
    let line = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        format!("{} {}", text("id"), text("severity"))
    };
    found.as_array().unwrap().iter().map(line).collect()
}

#[test]
fn lint_checks_access_entries_and_administrators() {
    let session = ExclusiveCluster::start();
    let service = eks(&session, &world("API_AND_CONFIG_MAP", &json!({})));
    let iam = iam();
    let ci = holding(&session, service, CREATOR_SESSION).with("AWS_ENDPOINT_URL_IAM", iam.url());
    let lint = |args: &[&str]| on(&session, &ci, &[&["lint"], args].concat());
    put(&session);
    let run = lint(&[]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout.contains("the access entry of arn:aws:iam::111122223333:role/team/dev takes precedence, with a different effect"),
        "{run:?}"
    );
    // All facts are known.
    assert_eq!(run.stderr, "Found 2 warnings, 1 note.\n");
    let all = ["G05 note", "D06 warning", "G02 warning"];
    assert_eq!(ids(&lint(&["-o", "json"])), all);

    let why = "User: x is not authorized to perform: eks:ListAssociatedAccessPolicies";
    let denied = json!({"ListAssociatedAccessPolicies": why});
    eks(&session, &world("API_AND_CONFIG_MAP", &denied));
    let run = lint(&[]);
    assert!(
        run.stderr.contains(
            "Not checked: N13 needs the contents of the access entries, which EKS did not return.\n"
        ),
        "{run:?}"
    );
}

#[test]
fn lint_honors_the_authentication_mode() {
    let session = ExclusiveCluster::start();
    let iam = iam();
    for (mode, found) in [("API", "N12 error"), ("CONFIG_MAP", "N13 warning")] {
        let world = with_cluster(&json!({"accessConfig": {"authenticationMode": mode}}));
        let ci = holding(&session, eks(&session, &world), CREATOR_SESSION);
        let ci = ci.with("AWS_ENDPOINT_URL_IAM", iam.url());
        session.put(&json!({"mapRoles": NODES}));
        let found_here = ids(&on(&session, &ci, &["lint", "-o", "json"]));
        assert!(
            found_here.contains(&found.to_owned()),
            "{mode}: {found_here:?}"
        );
        assert!(
            !found_here.iter().any(|id| id.starts_with("D06")),
            "{mode}: {found_here:?}"
        );
    }
}

#[test]
fn name_in_the_kubeconfig_is_enough_for_the_facts_of_eks() {
    let session = ExclusiveCluster::start();
    let service = eks(&session, &world("API_AND_CONFIG_MAP", &json!({})));
    let iam = iam();
    put(&session);
    let arn = "arn:aws:eks:us-east-1:111122223333:cluster/my-cluster";
    let server = json!({"server": session.cluster.server_url(), "certificate-authority": session.cluster.ca()});
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": arn, "cluster": server}],
        "users": [{"name": "u", "user": {"token": session.cluster.admin_token()}}],
        "contexts": [{"name": "c", "context": {"cluster": arn, "user": "u"}}],
    });
    let path = session.cluster.folder().join("named.kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    let ci = holding(&session, service, CREATOR_SESSION)
        .with("AWS_ENDPOINT_URL_IAM", iam.url())
        .with("KUBECONFIG", path.to_str().unwrap());
    let lint = session.awsauth(&ci, &["lint", "-o", "json"]);
    assert_eq!(ids(&lint), ["G05 note", "D06 warning", "G02 warning"]);
    let report = session.awsauth(&ci, &["report", "-o", "json"]);
    assert_eq!(report.status, 0, "{report:?}");
    let text = report.json().to_string();
    assert!(text.contains("role/team/dev"), "{text}");
    assert!(
        !text.contains("name the cluster with --cluster-name"),
        "{text}"
    );
    // The same for each cluster of a fleet.
    let lint = session.awsauth(&ci, &["fleet", "lint", "--contexts", "c"]);
    let found = |rule| lint.stdout.contains(rule);
    assert!(found("D06") && found("G02"), "{lint:?}");
    let report = session.awsauth(&ci, &["fleet", "report", "--contexts", "c", "-o", "json"]);
    assert_eq!(report.status, 0, "{report:?}");
    let text = report.json().to_string();
    assert!(text.contains("role/team/dev"), "{text}");
    // Without credentials, lint reads what it can, and report states what is missing.
    let without = ci
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY")
        .without("AWS_SESSION_TOKEN");
    let lint = session.awsauth(&without, &["lint"]);
    lint.says(0, &["information from EKS (--cluster-name)"]);
    let report = session.awsauth(&without, &["report"]);
    report.says(
        0,
        &["warning: without access entries: cannot describe EKS cluster"],
    );
}
