//! `doctor` on a cluster's nodes and on the roles in IAM.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::doctor::harness::{CLUSTER, Harness, admin, put, valid_aws_auth};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE};
use crate::eks_cluster::token_review::Who;
use crate::support::moto::Moto;
use crate::support::simulated_aws::trusts_service;
use crate::support::simulated_eks_api::EksService;

const A: &str = "arn:aws:iam::111122223333";

/// A Node as kubelet creates it, on EC2 and on Fargate.
const NODES: &str = "
apiVersion: v1
kind: Node
metadata: {name: ip-10-0-0-1.ec2.internal}
spec: {providerID: 'aws:///us-east-1a/i-0123456789abcdef0'}
status: {addresses: [{type: InternalDNS, address: ip-10-0-0-1.ec2.internal}]}
---
apiVersion: v1
kind: Node
metadata: {name: fargate-ip-10-0-0-2}
spec: {providerID: 'aws:///us-east-1a/0123-0123456/fargate-ip-10-0-0-2'}
status: {addresses: [{type: InternalDNS, address: ip-10-0-0-2.ec2.internal}]}
";

const ODD: &str = "
apiVersion: v1
kind: Node
metadata: {name: ip-10-0-0-3.example.com}
spec: {providerID: 'aws:///us-east-1a/i-0123456789abcdef3'}
status: {addresses: [{type: InternalDNS, address: ip-10-0-0-3.ec2.internal}]}
";

/// An EKS API that accepts the credentials of the machine.
fn world(session: &ExclusiveCluster, harness: &Harness, groups: &Value, logging: &Value) -> Value {
    let keys = &harness.credentials;
    let ca = BASE64_STANDARD.encode(fs::read(session.cluster.ca()).unwrap());
    json!({
        "keys": {&keys.access_key_id: {"secret": keys.secret_access_key, "token": keys.session_token}},
        "clusters": {"my-cluster": {
            "name": "my-cluster", "arn": CLUSTER, "status": "ACTIVE", "endpoint": session.cluster.server_url(),
            "certificateAuthority": {"data": ca}, "accessConfig": {"authenticationMode": "CONFIG_MAP"},
            "version": "1.36", "platformVersion": "eks.7", "logging": {"clusterLogging": logging},
        }},
        "nodegroups": {"my-cluster": groups},
        "profiles": {"my-cluster": []},
    })
}

fn group(issues: &Value) -> Value {
    json!({
        "nodegroupName": "ng-1", "nodeRole": format!("{A}:role/eks/nodes"), "status": "DEGRADED",
        "amiType": "AL2023_x86_64_STANDARD", "health": {"issues": issues},
    })
}

#[test]
fn node_roles_are_checked_beside_the_caller() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let mut harness = Harness::new(session.cluster);
    session.cluster.kubectl_fed(&["apply", "-f", "-"], NODES);
    let sick = json!([{"code": "AccessDenied", "message": "Your worker nodes do not have access to the cluster", "resourceIds": ["ng-1"]}]);
    let service = EksService::start(&world(
        &session,
        &harness,
        &json!([group(&sick)]),
        &json!([]),
    ));
    harness.environment = service.under(harness.environment.clone());
    let ill = harness.diagnose(&[]);
    assert_eq!(
        (ill.headline(), ill.json["headline"]["standing"].as_str()),
        ("W3", Some("signed-in")),
        "{}",
        ill.json
    );
    assert_eq!(
        ill.text("W3", "cause"),
        "EKS reports AccessDenied for node group ng-1: Your worker nodes do not have access to the cluster"
    );
    assert!(ill.text("W3", "next").starts_with(&format!(
        "map its role: awsauth map node-role {A}:role/eks/nodes --kind linux --cluster-name my-cluster --region us-east-1; and check"
    )));
    assert_eq!(
        ill.text("W1", "cause"),
        format!(
            "{A}:role/nodes, the role of node group ng-1, has no entry: its nodes are rejected and become NotReady"
        )
    );
    assert_eq!(
        ill.text("W1", "next"),
        format!(
            "awsauth map node-role {A}:role/nodes --kind linux --cluster-name my-cluster --region us-east-1"
        )
    );
    assert_eq!(
        (ill.status("W2"), ill.text("W2", "saw")),
        ("ok", "2 nodes, of which 1 are EC2 instances")
    );
    assert_eq!(ill.status("M9"), "skipped");

    // The printed step fixes it.
    session.done(&[
        "map",
        "node-role",
        &format!("{A}:role/nodes"),
        "--kind",
        "linux",
    ]);
    let enabled = json!([{"types": ["api", "authenticator"], "enabled": true}]);
    service.set(&world(
        &session,
        &harness,
        &json!([group(&json!([]))]),
        &enabled,
    ));
    let well = harness.diagnose(&[]);
    assert_eq!(
        (well.run.status, well.status("W1"), well.status("W3")),
        (0, "ok", "ok"),
        "{}",
        well.json
    );
    assert_eq!(
        well.text("W1", "saw"),
        format!("{A}:role/eks/nodes is the role of node group ng-1")
    );

    session.cluster.kubectl_fed(&["apply", "-f", "-"], ODD);
    let odd = harness.diagnose(&[]);
    assert_eq!(odd.headline(), "W2", "{}", odd.json);
    assert!(
        odd.text("W2", "cause")
            .starts_with("EC2 names the node ip-10-0-0-3.example.com ip-10-0-0-3.ec2.internal")
    );
    session.cluster.kubectl(&["delete", "node", "--all"]);

    // A caller without the permission gets the missing statement.
    let mut denied = world(&session, &harness, &json!([]), &enabled);
    let why = "User: x is not authorized to perform: eks:ListNodegroups";
    denied["denied"] = json!({"ListNodegroups": why, "ListFargateProfiles": why});
    service.set(&denied);
    let denied = harness.diagnose(&[]);
    assert_eq!(
        (denied.status("W1"), denied.status("W3")),
        ("skipped", "skipped")
    );
    assert!(
        denied
            .text("W1", "saw")
            .starts_with("eks:ListNodegroups: AccessDeniedException: "),
        "{}",
        denied.json
    );

    // A rejected caller gets a pointer to the authenticator's log.
    put(&session, &json!({}), &Who::Unauthorized);
    let mut harness = Harness::new(session.cluster);
    harness.environment = service.under(harness.environment.clone());
    service.set(&world(&session, &harness, &json!([]), &enabled));
    let refused = harness.diagnose(&[]);
    assert!(
        refused.text("M9", "saw").contains("aws logs filter-log-events --region us-east-1 --log-group-name /aws/eks/my-cluster/cluster "),
        "{}",
        refused.json
    );
    service.set(&world(&session, &harness, &json!([]), &json!([])));
    let silent = harness.diagnose(&[]);
    assert!(
        silent
            .text("M9", "saw")
            .contains("aws eks update-cluster-config --region us-east-1 --name my-cluster ")
    );
    assert_eq!(silent.status("W1"), "ok");
}

/// IAM has both the trust policy and the caller's policies.
#[test]
fn iam_facts_identify_the_missing_policy() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let role = format!("{A}:role/locked");
    session
        .aws()
        .role(&role, &[trusts_service("lambda.amazonaws.com")]);
    let trusting = |principal: &Value| {
        let statement =
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
        json!({"Version": "2012-10-17", "Statement": [statement]})
    };
    let may = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}]});
    let lambda = json!({"Service": "lambda.amazonaws.com"});
    let ec2 = trusting(&json!({"Service": "ec2.amazonaws.com"}));
    let iam = |trust: &Value, policies: &Value| {
        let roles = json!({"locked": trusting(trust), "mytestrole": ec2});
        Moto::start(&[
            &json!({"account": "111122223333", "roles": roles, "policies": policies}).to_string(),
        ])
    };
    let diagnosed = |iam: &Moto| {
        let mut harness = Harness::new(session.cluster);
        harness.set("AWS_ENDPOINT_URL_IAM", iam.url());
        harness.diagnose(&["--role-arn", &role])
    };
    // The role does not trust the caller, whose own policies allow the call.
    let untrusted = diagnosed(&iam(&lambda, &json!({"mytestrole": may})));
    assert_eq!(
        (untrusted.headline(), untrusted.status("C14")),
        ("C15", "ok"),
        "{}",
        untrusted.json
    );
    assert!(
        untrusted.text("C14", "saw").ends_with("they allow it"),
        "{}",
        untrusted.json
    );
    assert!(
        untrusted
            .text("C15", "saw")
            .ends_with("it does not name the role mytestrole"),
        "{}",
        untrusted.json
    );
    assert!(untrusted.text("C15", "next").contains(MYTESTROLE));
    // The role trusts the account, and the caller's policies do not allow the call.
    let unallowed = diagnosed(&iam(&json!({"AWS": "111122223333"}), &json!({})));
    assert_eq!(
        (unallowed.headline(), unallowed.status("C15")),
        ("C14", "ok"),
        "{}",
        unallowed.json
    );
    assert!(
        unallowed
            .text("C14", "saw")
            .ends_with("they do not allow it"),
        "{}",
        unallowed.json
    );
}

/// A profile without the external ID that the trust policy of its role requires.
#[test]
fn missing_external_id_of_a_profile_is_named() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let role = format!("{A}:role/external");
    let statement = json!({
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": format!("{A}:root")},
        "Condition": {"StringEquals": {"sts:ExternalId": "team-42"}},
    });
    session.aws().role(&role, std::slice::from_ref(&statement));
    let trust = json!({"Version": "2012-10-17", "Statement": [statement]});
    let iam = Moto::start(&[
        &json!({"account": "111122223333", "roles": {"external": trust}, "policies": {}})
            .to_string(),
    ]);
    let mut harness = Harness::new(session.cluster);
    harness.set("AWS_ENDPOINT_URL_IAM", iam.url());
    harness.remove_credentials();
    let keys = &harness.credentials;
    let credentials = harness.file(
        "aws-credentials",
        &format!(
            "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
            keys.access_key_id,
            keys.secret_access_key,
            keys.session_token.as_deref().unwrap_or_default()
        ),
    );
    let config = harness.file(
        "aws-config",
        &format!("[profile dev]\nrole_arn = {role}\nsource_profile = default\n"),
    );
    harness.set(
        "AWS_SHARED_CREDENTIALS_FILE",
        &credentials.display().to_string(),
    );
    harness.set("AWS_CONFIG_FILE", &config.display().to_string());
    harness.exec()["env"] = json!([{"name": "AWS_PROFILE", "value": "dev"}]);
    let diagnosis = harness.diagnose(&[]);
    assert_eq!(diagnosis.headline(), "C15", "{}", diagnosis.json);
    let cause = diagnosis.text("C15", "cause");
    let expected = "the role's trust policy requires the external id \"team-42\", but the call has none: cannot assume ";
    assert!(cause.starts_with(expected), "{cause}");
    assert_eq!(
        diagnosis.text("C15", "next"),
        "set it in the profile: aws configure set external_id team-42 --profile dev"
    );

    // STS reports a role that does not exist as a denial, too.
    let text = format!("[profile dev]\nrole_arn = {A}:role/extrenal\nsource_profile = default\n");
    harness.file("aws-config", &text);
    let diagnosis = harness.diagnose(&[]);
    assert_eq!(diagnosis.headline(), "C14", "{}", diagnosis.json);
    let cause = diagnosis.text("C14", "cause");
    let expected = format!("IAM has no role {A}:role/extrenal: ");
    assert!(cause.starts_with(&expected), "{cause}");
    assert_eq!(
        diagnosis.text("C14", "next"),
        "correct role_arn of profile dev"
    );
}

/// Without a kubeconfig, the endpoint comes from EKS.
#[test]
fn checks_continue_through_eks() {
    let session = ExclusiveCluster::start();
    put(&session, &valid_aws_auth(), &admin());
    let mut harness = Harness::new(session.cluster);
    harness.kubeconfig = json!({});
    harness.args.clear();
    let named = ["--cluster-name", "my-cluster"];
    let known = world(&session, &harness, &json!([]), &json!([]));
    let service = EksService::start(&known);
    harness.environment = service.under(harness.environment.clone());
    let well = harness.diagnose(&named);
    assert_eq!(
        (well.run.status, well.json["headline"]["standing"].as_str()),
        (0, Some("signed-in")),
        "{}",
        well.json
    );
    assert_eq!(
        well.text("K1", "saw"),
        format!(
            "no kubeconfig; EKS provides the endpoint of my-cluster: {} with AWS credentials",
            session.cluster.server_url()
        )
    );
    for id in ["E1", "E2", "E3", "T5", "M1", "M2", "M4", "B1", "W1"] {
        assert_eq!(well.status(id), "ok", "{id}: {}", well.json);
    }

    // Without its name, EKS cannot be requested.
    assert_eq!(harness.diagnose(&[]).headline(), "K1");
    let mut gone = known.clone();
    gone["clusters"] = json!({});
    service.set(&gone);
    let gone = harness.diagnose(&named);
    assert_eq!(gone.headline(), "K1", "{}", gone.json);
    assert!(
        gone.text("K1", "cause").starts_with(
            "there is no kubeconfig, and EKS did not provide the endpoint of my-cluster: there is no cluster"
        ),
        "{}",
        gone.json
    );

    // The fix names the cluster.
    put(&session, &json!({}), &Who::Unauthorized);
    let mut harness = Harness::new(session.cluster);
    harness.kubeconfig = json!({});
    harness.args.clear();
    service.set(&world(&session, &harness, &json!([]), &json!([])));
    harness.environment = service.under(harness.environment.clone());
    let nobody = harness.diagnose(&named);
    assert_eq!(
        nobody.json["headline"]["standing"], "unauthorized",
        "{}",
        nobody.json
    );
    assert!(
        nobody
            .text("M2", "next")
            .contains("awsauth rescue --cluster-name my-cluster --region us-east-1 --dry-run"),
        "{}",
        nobody.json
    );
    // aws-auth could not be read, so an entry may exist.
    assert!(nobody.json["entry"].is_null(), "{}", nobody.json);

    // Without credentials, EKS cannot be called.
    harness.remove_credentials();
    let without_credentials = harness.diagnose(&named);
    assert_eq!(
        (
            without_credentials.headline(),
            without_credentials.status("K1")
        ),
        ("C1", "skipped"),
        "{}",
        without_credentials.json
    );
}
