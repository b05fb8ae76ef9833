//! Usernames and groups with placeholders: the authenticator renders them as `explain` predicts.

use serde_json::{Value, json};

use crate::eks_cluster::harness::ExclusiveCluster;
use crate::eks_cluster::token_review::Who;
use crate::support::simulated_aws::ACCOUNT;

const ROLE: &str = "arn:aws:iam::111122223333:role/templates";
const INSTANCE: &str = "i-0123456789abcdef0";
const DNS_NAME: &str = "ip-10-0-0-1.ec2.internal";

/// Returns one entry for [`ROLE`].
fn entry(username: &str, groups: &[&str]) -> Value {
    let entry = json!([{"rolearn": ROLE, "username": username, "groups": groups}]);
    json!({"mapRoles": entry.to_string()})
}

#[test]
fn placeholders_are_rendered_as_explained() {
    let session = ExclusiveCluster::start();
    let aws = session.aws();
    aws.instance(&json!({"id": INSTANCE, "privateDnsName": DNS_NAME}));
    for (username, groups, name, expected) in [
        ("plain", vec![], "any", Some(Who::user("plain", &[]))),
        (
            "u:{{AccountID}}",
            vec!["g:{{AccountID}}"],
            "any",
            Some(Who::user("u:111122223333", &["g:111122223333"])),
        ),
        (
            "{{SessionName}}",
            vec!["{{SessionName}}s"],
            "ann@example.com",
            Some(Who::user("ann-example.com", &["ann-example.coms"])),
        ),
        (
            "{{SessionNameRaw}}",
            vec!["{{SessionNameRaw}}"],
            "ann@example.com",
            Some(Who::user("ann@example.com", &["ann@example.com"])),
        ),
        ("key:{{AccessKeyID}}", vec!["{{AccessKeyID}}"], "any", None),
        (
            "system:node:{{EC2PrivateDNSName}}",
            vec!["system:bootstrappers", "system:nodes"],
            INSTANCE,
            Some(Who::user(
                "system:node:ip-10-0-0-1.ec2.internal",
                &["system:bootstrappers", "system:nodes"],
            )),
        ),
        (
            "{{Unknown}} {{ AccountID }}",
            vec!["{{accountid}}"],
            "any",
            Some(Who::user("{{Unknown}} {{ AccountID }}", &["{{accountid}}"])),
        ),
        (
            "{{AccountID}}/{{SessionName}}/{{SessionNameRaw}}",
            vec![],
            "a@b",
            Some(Who::user("111122223333/a-b/a@b", &[])),
        ),
    ] {
        session.put(&entry(username, &groups));
        let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/templates/{name}");
        let credentials = aws.sessions(&[&arn]).remove(0);
        let key = &credentials.access_key_id;
        let expected = expected.unwrap_or_else(|| Who::user(&format!("key:{key}"), &[key]));
        session.becomes(&credentials, &expected);

        let explained = session
            .done(&[
                "explain",
                &arn,
                "--access-key-id",
                key,
                "--private-dns-name",
                DNS_NAME,
                "-o",
                "json",
            ])
            .json();
        assert_eq!(Who::of(&explained), expected, "{explained}");
        assert_eq!(explained["allowed"], true);
    }
}

#[test]
fn node_name_requires_an_instance_in_the_account() {
    let session = ExclusiveCluster::start();
    let aws = session.aws();
    // The authenticator caches names, so these IDs are used only here.
    let foreign = "i-0f0f0f0f0f0f0f0f0";
    aws.instance(&json!({"id": INSTANCE, "privateDnsName": DNS_NAME}));
    aws.instance(&json!({"id": foreign, "privateDnsName": "ip-10-9-9-9.ec2.internal", "account": "444455556666"}));
    session.put(&entry(
        "system:node:{{EC2PrivateDNSName}}",
        &["system:nodes"],
    ));
    let node = |name: &str| {
        let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/templates/{name}");
        aws.sessions(&[&arn]).remove(0)
    };
    session.becomes(
        &node(INSTANCE),
        &Who::user("system:node:ip-10-0-0-1.ec2.internal", &["system:nodes"]),
    );
    for name in [
        "i-0badbad0",
        foreign,
        "ann",
        "i-0123456789abcdef",
        "I-0123456789abcdef0",
    ] {
        let token = session.fresh_token(&node(name));
        assert_eq!(session.who(&token), Who::Unauthorized, "{name}");
    }
    let described: Vec<_> = aws
        .requests()
        .into_iter()
        .filter(|asked| asked.service == "ec2")
        .collect();
    assert!(
        described
            .iter()
            .all(|asked| asked.action == "DescribeInstances"),
        "{described:?}"
    );
    // The last three names are not instance IDs, so EC2 gets no request for them.
    assert!(
        described.iter().filter(|asked| asked.status == 400).count() == 2,
        "{described:?}"
    );
}
