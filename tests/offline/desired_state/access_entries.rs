//! Access entries in the formats of eksctl, ACK, CloudFormation and the AWS CLI.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use awsauth_core::desired::{DesiredCluster, DesiredMapping, read};
use awsauth_core::facts::access_entries::AccessScope;

use super::{refused, shown};

const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";

/// Returns what is read: the mapping, its type, policies, tags and cluster.
fn entries(text: &str) -> Vec<String> {
    let describe = |desired: &DesiredMapping| {
        let entry = desired.entry.as_ref().unwrap();
        let policies = entry.policies.iter().flatten().map(|policy| {
            let scope = match &policy.scope {
                AccessScope::Cluster => "*".to_owned(),
                AccessScope::Namespaces(names) => names.join(","),
            };
            format!("{}={scope}", policy.name)
        });
        let policies: Vec<_> = policies.collect();
        format!(
            "{} {} {:?} {:?} {}",
            shown(Ok(vec![desired.clone()])),
            entry.kind,
            policies,
            entry.tags,
            match &desired.cluster {
                None => "",
                Some(DesiredCluster::Name(name)) => name,
                Some(DesiredCluster::AckObject(_) | DesiredCluster::Reference(_)) => "reference",
            }
        )
    };
    read(text, "f", None)
        .unwrap()
        .iter()
        .map(describe)
        .collect()
}

#[test]
fn eksctl_entries_are_read() {
    let text = format!(
        "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {{name: prod, region: eu-west-1}}
accessConfig:
  authenticationMode: API
  accessEntries:
    - principalARN: {DEV}
      kubernetesGroups: [devs]
      accessPolicies:
        - policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy
          accessScope: {{type: namespace, namespaces: [shop-*]}}
    - principalARN: arn:aws:iam::111122223333:role/nodes
      type: EC2_LINUX
"
    );
    assert_eq!(
        entries(&text),
        [
            format!(
                "f:7: role {DEV} as arn:aws:sts::111122223333:assumed-role/dev/{{{{SessionName}}}} in [\"devs\"] STANDARD [\"arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy=shop-*\"] {{}} prod"
            ),
            "f:12: role arn:aws:iam::111122223333:role/nodes EC2_LINUX [] {} prod".to_owned(),
        ]
    );
}

#[test]
fn ack_cloud_formation_and_the_aws_cli_describe_the_same_entry() {
    let ack = format!(
        "\
apiVersion: eks.services.k8s.aws/v1alpha1
kind: AccessEntry
metadata: {{name: dev}}
spec:
  clusterName: prod
  principalARN: {DEV}
  username: dev:{{{{SessionName}}}}
  kubernetesGroups: [devs]
  tags: {{team: a}}
"
    );
    let template = format!(
        "\
Resources:
  Bucket: {{Type: 'AWS::S3::Bucket'}}
  Dev:
    Type: AWS::EKS::AccessEntry
    Properties:
      ClusterName: prod
      PrincipalArn: {DEV}
      Username: dev:{{{{SessionName}}}}
      KubernetesGroups: [devs]
      Tags: [{{Key: team, Value: a}}]
"
    );
    let described = format!(
        r#"{{"accessEntry": {{"clusterName": "prod", "principalArn": "{DEV}", "username": "dev:{{{{SessionName}}}}",
"kubernetesGroups": ["devs"], "type": "STANDARD", "tags": {{"team": "a"}}, "accessEntryArn": "arn:aws:eks:…",
"createdAt": 1700000000.5, "modifiedAt": "2026-01-01T00:00:00Z"}}}}"#
    );
    let expected = format!(
        "role {DEV} as dev:{{{{SessionName}}}} in [\"devs\"] STANDARD [] {{\"team\": \"a\"}}"
    );
    let cluster = |parameters: &str| {
        let template = template.replace("ClusterName: prod", "ClusterName: {Ref: Name}");
        let desired = read(&(parameters.to_owned() + &template), "f", None).unwrap();
        desired[0].cluster.clone()
    };
    assert_eq!(
        cluster("Parameters:\n  Name: {Type: String, Default: prod}\n"),
        Some(DesiredCluster::Name("prod".to_owned()))
    );
    for unknown in [
        "",
        "Parameters:\n  Name: {Type: String}\n",
        "Parameters:\n  Other: {Type: String, Default: prod}\n",
    ] {
        let reference = DesiredCluster::Reference("Name".to_owned());
        assert_eq!(cluster(unknown), Some(reference), "{unknown}");
    }
    for (text, line) in [(ack.clone(), 5), (template, 6), (described.clone(), 1)] {
        assert_eq!(
            entries(&text),
            [format!("f:{line}: {expected} prod")],
            "{text}"
        );
    }
    let reference = ack.replace(
        "clusterName: prod",
        "clusterRef: {from: {name: main, namespace: infra}}",
    );
    let desired = read(&reference, "f", None).unwrap();
    assert_eq!(
        desired[0].cluster,
        Some(DesiredCluster::AckObject("main".to_owned()))
    );
    assert_eq!(entries(&reference), [format!("f:5: {expected} reference")]);
    // The AWS CLI lists the policies with another command.
    let desired = read(&described, "f", None).unwrap();
    assert_eq!(desired[0].entry.as_ref().unwrap().policies, None);
}

#[test]
fn mistakes_are_reported_with_their_line() {
    let entry = |more: &str| {
        format!(
            "apiVersion: eks.services.k8s.aws/v1alpha1\nkind: AccessEntry\nspec:\n  principalARN: {DEV}\n{more}"
        )
    };
    for (text, message) in [
        (
            entry("  kubernetesGroup: [devs]\n"),
            "f:5: unknown field `kubernetesGroup` in the spec of an AccessEntry\nhint: Did you mean `kubernetesGroups`?",
        ),
        (
            entry("  username: !Ref X\n"),
            "f:5: `username` is a tagged value, but must be text",
        ),
        (
            entry("  accessPolicies: [{policyARN: a}]\n"),
            "f:5: an item of accessPolicies has no `accessScope`",
        ),
        (
            entry(
                "  accessPolicies: [{policyARN: a, accessScope: {type: cluster, namespaces: [a]}}]\n",
            ),
            "f:5: an access scope of type `cluster` is not valid with these namespaces",
        ),
        (
            entry("  clusterName: prod\n  clusterRef: {from: {name: prod}}\n"),
            "f:6: both `clusterName` and `clusterRef`, but an access entry has only one cluster\nhint: Keep one of them",
        ),
        (
            entry("  clusterRef: {name: prod}\n"),
            "f:5: unknown field `name` in `clusterRef`\nhint: Known fields: from.",
        ),
        (
            entry("  clusterRef:\n    from: {namespace: infra}\n"),
            "f:6: `from` has no `name`\nhint: Add `name`.",
        ),
        (
            entry("  clusterRef: prod\n"),
            "f:5: `clusterRef` is text, but must be a mapping",
        ),
        (
            "apiVersion: eks.services.k8s.aws/v1alpha1\nkind: AccessEntry\n".to_owned(),
            "f:1: the spec of an AccessEntry has no principal: none of `principalARN`",
        ),
        (
            format!(
                "Resources:\n  A:\n    Type: AWS::EKS::AccessEntry\n    Properties:\n      PrincipalArn: {DEV}\n      ClusterName: {{'Fn::Sub': x}}\n"
            ),
            "f:6: unknown field `Fn::Sub` in `ClusterName`\nhint: Known fields: Ref.",
        ),
        (
            "Resources:\n  A: {Type: 'AWS::EKS::AccessEntry'}\n".to_owned(),
            "f:2: the properties of an AWS::EKS::AccessEntry has no principal",
        ),
        ("Resources: {}\n".to_owned(), "f:1: no desired state"),
    ] {
        refused(&text, message);
    }
}
