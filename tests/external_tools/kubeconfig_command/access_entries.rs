//! Access entries from EKS.

use awsauth_aws::credentials::{CredentialOptions, resolve};
use awsauth_aws::eks::{AccessEntryList, Eks, Unavailable};
use awsauth_core::facts::access_entries::{AccessEntry, AccessScope, AccessTerms};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::simulated_eks_api::EksService;

const A: &str = "arn:aws:iam::111122223333";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";

/// An EKS API with these access entries, in pages of two, and with these operations denied.
fn world(mode: &str, entries: &[Value], denied: &Value) -> Value {
    let cluster = json!({
        "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
        "status": "ACTIVE",
        "accessConfig": {"authenticationMode": mode},
    });
    json!({"clusters": {"prod": cluster}, "entries": {"prod": entries}, "denied": denied, "page": 2})
}

fn entries() -> Vec<Value> {
    let everywhere = json!({"type": "cluster", "namespaces": []});
    let some = json!({"type": "namespace", "namespaces": ["dev-*", "web"]});
    let policies = json!([
        {"policyArn": VIEW, "accessScope": some},
        {"policyArn": ADMIN, "accessScope": everywhere},
        {"policyArn": VIEW.replace("View", "Edit"), "accessScope": some},
    ]);
    let entry = |resource: &str, kind: &str, groups: &[&str]| {
        json!({
            "principalArn": format!("{A}:{resource}"),
            "type": kind,
            "kubernetesGroups": groups,
            "username": format!("name:{resource}"),
        })
    };
    let mut admin = entry("role/team/Admin", "STANDARD", &["ops"]);
    admin["policies"] = policies;
    let mut gone = entry("role/Gone", "STANDARD", &[]);
    gone["gone"] = json!(true);
    vec![
        admin,
        entry("role/Node", "EC2_LINUX", &["system:nodes"]),
        gone,
        entry("user/team/bob", "STANDARD", &[]),
        entry("role/Fargate", "FARGATE_LINUX", &[]),
    ]
}

fn ask(
    service: &EksService,
    is_requested: &dyn Fn(&str) -> bool,
) -> Result<AccessEntryList, Unavailable> {
    let aws_environment = service.aws_environment().with("AWS_REGION", "eu-west-1");
    let resolved = resolve(
        &CredentialOptions::default(),
        &aws_environment,
        Timestamp::now(),
    )
    .expect("keys");
    let mut eks = Eks::new(&resolved, None, &aws_environment).expect("a client");
    eks.access_entries("prod", is_requested)
}

fn names(response: &AccessEntryList) -> Vec<&str> {
    let names = response.entries.iter().map(|entry| &entry.principal_arn);
    names
        .map(|arn| arn.rsplit(':').next().unwrap_or_default())
        .collect()
}

fn terms(entry: &AccessEntry) -> &AccessTerms {
    entry.terms.as_ref().expect("the terms of the entry")
}

#[test]
fn all_pages_are_read_and_deleted_entries_are_skipped() {
    let service = EksService::start(&world("API_AND_CONFIG_MAP", &entries(), &json!({})));
    let response = ask(&service, &|_| true).expect("a response");
    assert!(response.unavailable.is_empty(), "{response:?}");
    let all = [
        "role/team/Admin",
        "role/Node",
        "user/team/bob",
        "role/Fargate",
    ];
    assert_eq!(names(&response), all);
    let [admin, node, bob, _] = response.entries.as_slice() else {
        panic!("{response:?}")
    };
    assert_eq!(terms(admin).groups, ["ops"]);
    assert_eq!(
        terms(admin).username.as_deref(),
        Some("name:role/team/Admin")
    );
    let policies = terms(admin).policies().iter();
    let policies: Vec<_> = policies
        .map(|policy| (policy.name(), &policy.scope))
        .collect();
    let some = AccessScope::Namespaces(vec!["dev-*".to_owned(), "web".to_owned()]);
    let expected = [
        ("AmazonEKSViewPolicy", &some),
        ("AmazonEKSClusterAdminPolicy", &AccessScope::Cluster),
        ("AmazonEKSEditPolicy", &some),
    ];
    assert_eq!(policies, expected);
    assert!(terms(node).is_for_nodes() && !terms(bob).is_for_nodes());
    assert_eq!(terms(node).policies.as_deref(), Some(&[][..]));
    let asked = service.asked();
    let count = |arn: &str| asked.iter().filter(|asked| *asked == arn).count();
    assert_eq!(count("ListAccessEntries"), 3);
    assert_eq!(count("DescribeAccessEntry"), 4);
    assert_eq!(count("DescribeAccessEntry ResourceNotFoundException"), 1);
    // Entries for nodes have no policies; the three policies of one entry take two pages.
    assert_eq!(count("ListAssociatedAccessPolicies"), 3);
}

#[test]
fn only_relevant_principals_are_requested() {
    let service = EksService::start(&world("API", &entries(), &json!({})));
    let response = ask(&service, &|arn| arn.ends_with("bob")).expect("a response");
    assert_eq!(names(&response).len(), 5);
    let known = response
        .entries
        .iter()
        .filter(|entry| entry.terms.is_some());
    let known: Vec<_> = known.map(|entry| entry.principal_arn.as_str()).collect();
    assert_eq!(known, [format!("{A}:user/team/bob")]);
    assert_eq!(service.asked().len(), 5);

    service.set(&world("API", &[], &json!({})));
    let response = ask(&service, &|_| true).expect("a response");
    assert!(response.entries.is_empty() && response.unavailable.is_empty());
}

#[test]
fn denied_request_is_recorded_with_the_missing_statement() {
    let denied = |action: &str| {
        format!("User: {A}:user/ann is not authorized to perform: eks:{action} on resource: x")
    };
    let world = |action: &str| {
        world(
            "API_AND_CONFIG_MAP",
            &entries(),
            &json!({action: denied(action)}),
        )
    };
    let service = EksService::start(&world("ListAccessEntries"));
    let unavailable = ask(&service, &|_| true).expect_err("it is denied");
    assert_eq!(unavailable.action, "eks:ListAccessEntries");
    assert_eq!(unavailable.what(), "the access entries");
    assert_eq!(
        unavailable.hint(),
        format!(
            "ask an administrator to add this to a policy of {A}:user/ann: {}",
            concat!(
                r#"{"Action":["eks:ListAccessEntries","eks:DescribeAccessEntry","eks:ListAssociatedAccessPolicies"],"#,
                r#""Effect":"Allow","Resource":["arn:aws:eks:eu-west-1:*:cluster/prod","#,
                r#""arn:aws:eks:eu-west-1:*:access-entry/prod/*"]}"#
            )
        )
    );

    service.set(&world("DescribeAccessEntry"));
    let response = ask(&service, &|_| true).expect("it lists them");
    assert!(response.entries.iter().all(|entry| entry.terms.is_none()));
    assert_eq!(names(&response).len(), 5);
    let actions: Vec<_> = response
        .unavailable
        .iter()
        .map(|unavailable| unavailable.action)
        .collect();
    assert_eq!(actions, ["eks:DescribeAccessEntry"]);

    service.set(&world("ListAssociatedAccessPolicies"));
    let response = ask(&service, &|_| true).expect("it lists them");
    let unknown = |entry: &&AccessEntry| terms(entry).policies.is_none();
    assert_eq!(response.entries.iter().filter(unknown).count(), 2);
    let actions: Vec<_> = response
        .unavailable
        .iter()
        .map(|unavailable| unavailable.action)
        .collect();
    assert_eq!(actions, ["eks:ListAssociatedAccessPolicies"]);
}

#[test]
fn cluster_without_access_entries_is_recognized() {
    let service = EksService::start(&world("CONFIG_MAP", &[], &json!({})));
    let unavailable = ask(&service, &|_| true).expect_err("it has none");
    let why = unavailable.why.to_string();
    assert!(why.starts_with("InvalidRequestException: "), "{why}");
}
