//! Lint with facts of nodes and IAM: EKS by botocore's model, IAM by moto, and Karpenter's objects on the API server.

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on};
use crate::eks_cluster::harness::ExclusiveCluster;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::moto::Moto;

const A: &str = "arn:aws:iam::111122223333";

/// The relevant part of the CRD in Karpenter's chart.
const CRD: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ec2nodeclasses.karpenter.k8s.aws}
spec:
  group: karpenter.k8s.aws
  names: {kind: EC2NodeClass, listKind: EC2NodeClassList, plural: ec2nodeclasses, singular: ec2nodeclass}
  scope: Cluster
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

const CLASSES: &str = "
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: by-role}
spec: {role: karpenter}
---
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata: {name: by-profile}
spec: {instanceProfile: workers}
";

fn group(name: &str, role: &str, more: &Value) -> Value {
    let mut group = json!({
        "nodegroupName": name, "nodeRole": format!("{A}:role/{role}"), "status": "ACTIVE",
        "amiType": "AL2023_x86_64_STANDARD", "health": {"issues": []},
    });
    group
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    group
}

fn world(denied: &Value) -> Value {
    json!({
        "entries": {eks::NAME: [{
            "principalArn": format!("{A}:role/cluster-creator"), "type": "STANDARD", "username": "kubernetes-admin",
            "kubernetesGroups": ["system:masters"],
        }]},
        "nodegroups": {eks::NAME: [
            group("ng-1", "eks/nodes", &json!({})),
            group("ng-2", "windows", &json!({"amiType": "WINDOWS_CORE_2022_x86_64"})),
            group("ng-3", "other-nodes", &json!({})),
            group("ng-4", "going", &json!({"gone": true})),
        ]},
        "profiles": {eks::NAME: [
            {"fargateProfileName": "fp", "podExecutionRoleArn": format!("{A}:role/pods"), "status": "ACTIVE"},
        ]},
        "denied": denied,
        "page": 2,
    })
}

fn trusting(principal: &Value) -> Value {
    let statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// The IAM objects, without denied ones.
fn iam(denied: &[&str]) -> Moto {
    let ec2 = trusting(&json!({"Service": "ec2.amazonaws.com"}));
    let pods = trusting(&json!({"Service": "eks-fargate-pods.amazonaws.com"}));
    let sso = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_fedcba9876543210";
    let world = json!({
        "account": "111122223333",
        "roles": {
            "eks/nodes": ec2, "windows": trusting(&json!({"Service": "ec2.amazonaws.com", "AWS": "111122223333"})),
            "other-nodes": ec2, "karpenter": ec2, "in-profile": ec2, "pods": pods, sso: pods,
        },
        "users": ["eng/bob"],
        "profiles": {"workers": "in-profile"},
        "denied": denied,
    });
    Moto::start(&[&world.to_string()])
}

fn put(session: &ExclusiveCluster) {
    let node = "username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]";
    let roles = format!(
        "- rolearn: {A}:role/nodes\n  {node}\n\
         - rolearn: {A}:role/windows\n  {node}\n\
         - rolearn: {A}:role/pods\n  username: system:node:{{{{SessionName}}}}\n  groups: [system:bootstrappers, system:nodes]\n\
         - rolearn: {A}:role/AWSReservedSSO_Admin_0123456789abcdef\n  username: admin\n  groups: [admins]\n\
         - rolearn: {A}:instance-profile/workers\n  {node}\n\
         - rolearn: {A}:role/gone\n  username: gone\n  groups: [admins]\n"
    );
    let users = format!("- userarn: {A}:user/bob\n  username: bob\n  groups: [admins]\n");
    session.put(&json!({"mapRoles": roles, "mapUsers": users}));
}

/// The IDs of the findings without repetitions.
fn ids(run: &Run) -> Vec<String> {
    let found = run.json()["findings"].take();
    let mut ids: Vec<String> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

const SELECTED: &str = "N01,N02,N03,N06,N07,N08,N09,N10,N11,N15,R07,R12";

fn lint(session: &ExclusiveCluster, environment: &Environment, more: &[&str]) -> Run {
    let selected = match more {
        ["--select", ..] => vec!["lint"],
        _ => vec!["lint", "--select", SELECTED],
    };
    on(session, environment, &[&selected, more].concat())
}

#[test]
fn entries_are_checked_against_nodes_and_principals() {
    let session = ExclusiveCluster::start();
    let iam_of_all = iam(&[]);
    session.cluster.kubectl_fed(&["apply", "-f", "-"], CRD);
    let name = "crd/ec2nodeclasses.karpenter.k8s.aws";
    session
        .cluster
        .kubectl(&["wait", "--for=condition=Established", name]);
    session.cluster.kubectl_fed(&["apply", "-f", "-"], CLASSES);
    let service = eks(&session, &world(&json!({})));
    let ci =
        holding(&session, service, CREATOR_SESSION).with("AWS_ENDPOINT_URL_IAM", iam_of_all.url());
    put(&session);
    let run = lint(&session, &ci, &[]);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (1, "Found 8 errors, 2 warnings.\n"),
        "{run:?}"
    );
    for message in [
        format!("mapRoles: error[N02 node-group-role-unmapped]: {A}:role/other-nodes, the role of node group ng-3, has no entry: its nodes"),
        format!("help: awsauth map node-role {A}:role/other-nodes --kind linux --cluster-name my-cluster --region us-east-1\n"),
        format!("mapRoles: error[N09 karpenter-role-missing]: {A}:role/karpenter, the role of Karpenter's node class by-role, has no entry: "),
        format!("{A}:role/in-profile, the role of Karpenter's node class by-profile, has no entry: "),
        "error[N07 fargate-entry-incomplete]: this is the role of Fargate profile fp, and lacks system:node-proxier".to_owned(),
        "error[N08 windows-group-missing]: this is the role of node group ng-2".to_owned(),
        "error[N11 sso-role-regenerated]: AWSReservedSSO_Admin_0123456789abcdef no longer exists; the permission set Admin now has the role AWSReservedSSO_Admin_fedcba9876543210".to_owned(),
        format!("help: write its role: {A}:role/in-profile\n"),
        "warning[N10 principal-does-not-exist]: account 111122223333 has no role gone".to_owned(),
        "warning[N15 node-role-assumable]: the role's trust policy admits 111122223333: ".to_owned(),
        format!("error[R12 user-path-missing]: the user is {A}:user/eng/bob, and"),
    ] {
        assert!(run.stdout.contains(&message), "{message}: {run:?}");
    }
    // The role of the instance profile is known if any selected rule needs IAM, and the finding can be fixed.
    let fixed = lint(&session, &ci, &["--select", "R07,N10", "--fix"]);
    fixed.says(0, &["Fixed mapRoles:", "R07 instance-profile-arn"]);
    let object = session.api.object();
    let roles = object["data"]["mapRoles"].as_str().unwrap();
    assert!(
        roles.contains(&format!("- rolearn: {A}:role/in-profile\n")),
        "{roles}"
    );
    put(&session);

    // A rule that needs no facts causes no request.
    let before = service.asked().len();
    on(&session, &ci, &["lint", "--select", "S"]).says(0, &[]);
    let asked = service.asked().split_off(before);
    assert!(
        !asked.iter().any(|asked| asked.contains("Nodegroup")),
        "{asked:?}"
    );

    // A missing aws-auth is reported first.
    session.api.delete();
    let run = lint(&session, &ci, &["-o", "json"]);
    assert_eq!(
        (run.status, ids(&run)),
        (1, vec!["N01".to_owned()]),
        "{run:?}"
    );

    // A caller that may not list roles looks up each one.
    put(&session);
    let one_by_one = iam(&["list_roles", "list_users"]);
    let looking = ci.clone().with("AWS_ENDPOINT_URL_IAM", one_by_one.url());
    let run = lint(
        &session,
        &looking,
        &["--select", "N10,N15,R12", "-o", "json"],
    );
    // A deleted Identity Center role, without a list of roles to find its successor.
    assert_eq!(
        (run.stderr.as_str(), ids(&run)),
        (
            "Found 1 error, 3 warnings.\n",
            ["N10", "N15", "R12"].map(str::to_owned).into()
        ),
        "{run:?}"
    );
    let nothing = iam(&["list_roles", "list_users", "get_role", "get_user"]);
    let blind = ci.clone().with("AWS_ENDPOINT_URL_IAM", nothing.url());
    lint(&session, &blind, &[]).says(1, &[
        "warning: IAM did not return everything about account 111122223333: iam:GetRole: AccessDenied: User: ",
        "hint: ask an administrator to add this to a policy of arn:aws:iam::111122223333:user/x: {\"Effect\":\"Allow\",\"Action\":\"iam:GetRole\",\"Resource\":\"*\"}\n",
    ]);

    // Unreadable facts are reported with the missing permission.
    let denied = |action: &str| {
        let message = format!(
            "User: {CREATOR_SESSION} is not authorized to perform: eks:{action} on resource: x"
        );
        json!({action: message})
    };
    eks(&session, &world(&denied("ListNodegroups")));
    let ci = ci.with("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:1");
    let run = lint(&session, &ci, &[]);
    run.says(1, &[
        "warning: EKS did not return the managed node groups of cluster my-cluster: AccessDeniedException: User: ",
        &format!("hint: ask an administrator to add this to a policy of {CREATOR_SESSION}: {{\"Action\":[\"eks:ListNodegroups\",\"eks:DescribeNodegroup\"],"),
        "warning: IAM did not return everything about account 111122223333: iam:ListRoles: AWS cannot be reached",
        "4 need permission to eks:ListNodegroups and eks:DescribeNodegroup",
        "4 need permission to iam:ListRoles",
    ]);
    eks(&session, &world(&denied("DescribeFargateProfile")));
    lint(&session, &ci, &[]).says(
        1,
        &[
            "warning: EKS did not return the Fargate profiles of cluster my-cluster: ",
            "2 need permission to eks:ListFargateProfiles and eks:DescribeFargateProfile",
        ],
    );
    session.cluster.kubectl(&["delete", name]);
}
