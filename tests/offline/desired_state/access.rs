//! `kind: Access`: the same access in either store.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use awsauth_core::access_entries::Store;
use awsauth_core::desired::{DesiredError, DesiredMapping, read};

use super::{refused, shown};

const CLUSTER: &str = "arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod";

fn access(grants: &str) -> String {
    format!("apiVersion: awsauth.dev/v1beta1\nkind: Access\ngrants:\n{grants}")
}

/// Returns what a store holds: the mapping, and the type and policies of the entry.
fn in_store(grants: &str, store: Store) -> Result<Vec<String>, DesiredError> {
    let desired = read(&access(grants), "f", Some(CLUSTER))?.into_iter();
    let describe = |desired: DesiredMapping| {
        let desired = desired.in_store(store)?;
        let entry = desired.entry.as_ref().map(|entry| {
            let policies = entry.policies.iter().flatten();
            let policies: Vec<_> = policies.map(|policy| policy.name.as_str()).collect();
            format!(" {} {policies:?}", entry.kind)
        });
        Ok(shown(Ok(vec![desired])) + entry.unwrap_or_default().as_str())
    };
    desired.map(describe).collect()
}

#[test]
fn user_is_the_same_in_both_stores() {
    let grants = "\
- role: team/dev/Developer
  username: dev:{{SessionName}}
  groups: [devs]
- {user: bob, account: '444455556666'}
- {arn: 'arn:aws:iam::444455556666:role/ops', admin: yes, groups: [ops]}
- {role: nodes, nodes: linux}
";
    let dev = "f:4: role arn:aws-cn:iam::111122223333:role/team/dev/Developer as dev:{{SessionName}} in [\"devs\"]";
    let bob = "f:7: user arn:aws-cn:iam::444455556666:user/bob as arn:aws-cn:iam::444455556666:user/bob in []";
    let ops = "f:8: role arn:aws:iam::444455556666:role/ops as arn:aws:sts::444455556666:assumed-role/ops/{{SessionName}} in [\"ops\"";
    let nodes = "f:9: role arn:aws-cn:iam::111122223333:role/nodes";
    assert_eq!(
        in_store(grants, Store::AwsAuth).unwrap(),
        [
            dev.to_owned(),
            bob.to_owned(),
            format!("{ops}, \"system:masters\"]"),
            format!(
                "{nodes} as system:node:{{{{EC2PrivateDNSName}}}} in [\"system:bootstrappers\", \"system:nodes\"]"
            ),
        ]
    );
    assert_eq!(
        in_store(grants, Store::AccessEntries).unwrap(),
        [
            format!("{dev} STANDARD []"),
            format!("{bob} STANDARD []"),
            format!("{ops}] STANDARD [\"cluster-admin\"]"),
            format!("{nodes} EC2_LINUX []"),
        ]
    );
}

#[test]
fn policies_need_groups_in_aws_auth() {
    let policies = "policies: [view, {name: edit, namespaces: [shop-*]}]";
    let grant = format!("- {{role: dev, {policies}}}\n");
    let error = in_store(&grant, Store::AwsAuth).unwrap_err();
    assert_eq!(
        error.to_string(),
        "f:4: arn:aws-cn:iam::111122223333:role/dev has access policies, which aws-auth cannot give"
    );
    assert!(error.remedy().contains("withoutPolicies"));
    let grant = format!("- {{role: dev, {policies}, withoutPolicies: {{groups: [viewers]}}}}\n");
    let user = "f:4: role arn:aws-cn:iam::111122223333:role/dev as arn:aws-cn:sts::111122223333:assumed-role/dev/{{SessionName}} in";
    assert_eq!(
        in_store(&grant, Store::AwsAuth).unwrap(),
        [format!("{user} [\"viewers\"]")]
    );
    assert_eq!(
        in_store(&grant, Store::AccessEntries).unwrap(),
        [format!("{user} [] STANDARD [\"view\", \"edit\"]")]
    );
}

#[test]
fn nodes_of_auto_mode_need_an_access_entry() {
    let nodes = "f:4: role arn:aws-cn:iam::111122223333:role/auto";
    for (grant, policies) in [
        (
            "- {role: auto, nodes: auto}",
            "[\"AmazonEKSAutoNodePolicy\"]",
        ),
        ("- {role: auto, nodes: auto, policies: []}", "[]"),
    ] {
        assert_eq!(
            in_store(grant, Store::AccessEntries).unwrap(),
            [format!("{nodes} EC2 {policies}")]
        );
        let desired = read(&access(grant), "f", Some(CLUSTER)).unwrap();
        assert!(desired[0].needs_access_entry());
        assert_eq!(
            in_store(grant, Store::AwsAuth).unwrap_err().to_string(),
            "f:4: arn:aws-cn:iam::111122223333:role/auto is for nodes of Auto Mode, which aws-auth cannot map"
        );
    }
}

#[test]
fn permission_set_becomes_its_role() {
    let grants = "\
- {sso: Dev, groups: [devs]}
- {sso: Ops, account: '444455556666', username: 'ops:{{SessionName}}'}
";
    let desired = read(&access(grants), "f", Some(CLUSTER)).unwrap();
    let accounts = desired.iter().map(|one| {
        let set = one.permission_set().unwrap();
        (set.permission_set_name.as_str(), set.account_id.as_str())
    });
    assert_eq!(
        accounts.collect::<Vec<_>>(),
        [("Dev", "111122223333"), ("Ops", "444455556666")]
    );
    let role = |account| format!("arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/S");
    let resolved: Vec<DesiredMapping> = desired
        .into_iter()
        .zip(["111122223333", "444455556666"])
        .map(|(one, account)| one.with_role(role(account)))
        .collect();
    assert!(resolved.iter().all(|one| one.permission_set().is_none()));
    assert_eq!(
        shown(Ok(resolved)),
        format!(
            "f:4: role {} as arn:aws:sts::111122223333:assumed-role/S/{{{{SessionName}}}} in [\"devs\"]\nf:5: role {} as ops:{{{{SessionName}}}} in []",
            role("111122223333"),
            role("444455556666")
        )
    );
}

#[test]
fn mistakes_are_reported_with_their_line() {
    for (grant, message) in [
        (
            "- {role: dev, account: '111122223333', group: [a]}",
            "f:4: unknown field `group` in an item of grants\nhint: Did you mean `groups`?",
        ),
        ("- role: dev", "f:4: `dev` has no account"),
        (
            "- {role: dev, account: '1'}",
            "f:4: `1` is not an AWS account id",
        ),
        (
            "- groups: [a]",
            "f:4: an item of grants has no principal: none of `role`, `user`, `arn`, `sso`",
        ),
        ("- {role: a, user: b}", "f:4: both `role` and `user`"),
        (
            "- {arn: 'arn:aws:iam::111122223333:role/n', nodes: mac}",
            "f:4: `mac` is not a kind of nodes",
        ),
        (
            "- {arn: 'arn:aws:iam::111122223333:role/n', nodes: linux, groups: [a]}",
            "f:4: `groups` together with `nodes`",
        ),
        (
            "- {arn: 'arn:aws:iam::111122223333:role/n', nodes: auto, admin: true}",
            "f:4: `admin` together with `nodes`",
        ),
        (
            "- {sso: 'arn:aws:iam::111122223333:role/n', account: '111122223333'}",
            "f:4: sso permissionSetName `arn:aws:iam::111122223333:role/n` is not valid",
        ),
        ("- sso: Dev", "f:4: `Dev` has no account"),
        (
            "- {arn: 'arn:aws:iam::111122223333:role/n', admin: maybe}",
            "f:4: `admin` is text, but must be true or false",
        ),
        (
            "- {arn: 'arn:aws:iam::111122223333:role/n', policies: [{names: a}]}",
            "f:4: unknown field `names`",
        ),
    ] {
        refused(&access(grant), message);
    }
    refused(
        "apiVersion: awsauth.dev/v1beta1\nkind: Access\n",
        "f:1: the Access has no `grants`",
    );
    refused(
        "apiVersion: awsauth.dev/v1beta1\nkind: Access\ngrant: []\n",
        "f:3: unknown field `grant`",
    );
}
