//! Every input format of the desired state.

use awsauth_core::desired::{DesiredError, merge, read};

use super::{check, refused, shown};

#[test]
fn lists_under_section_names_are_read() {
    check(
        "\
# who may in
mapRoles:
- rolearn: arn:aws:iam::111122223333:role/ci
  username: ci
  groups: [system:masters, 'ops']
-
  rolearn: arn:aws:iam::111122223333:role/node
  username: system:node:{{EC2PrivateDNSName}}
mapUsers:
  - {userarn: 'arn:aws:iam::111122223333:user/ann', username: ann, groups: []}
mapAccounts:
  - \"111122223333\"
  - 012345678901
",
        r#"
f:3: role arn:aws:iam::111122223333:role/ci as ci in ["system:masters", "ops"]
f:6: role arn:aws:iam::111122223333:role/node as system:node:{{EC2PrivateDNSName}}
f:10: user arn:aws:iam::111122223333:user/ann as ann in []
f:12: account 111122223333
f:13: account 012345678901"#
            .trim_start(),
    );
}

#[test]
fn bare_list_may_mix_principals() {
    check(
        "\
- {rolearn: arn:aws:iam::111122223333:role/ci, username: ci}
- {userarn: arn:aws:iam::111122223333:user/ann, username: '123', groups: ['yes']}
- account: 111122223333
- sso: {permissionSetName: Admin, accountID: '111122223333'}
  username: 'admin:{{SessionName}}'
",
        r#"
f:1: role arn:aws:iam::111122223333:role/ci as ci
f:2: user arn:aws:iam::111122223333:user/ann as 123 in ["yes"]
f:3: account 111122223333
f:4: sso "Admin" "111122223333" "" as admin:{{SessionName}}"#
            .trim_start(),
    );
}

#[test]
fn json_is_read_with_line_numbers() {
    check(
        "[\n\t{\"rolearn\":\"arn:aws:iam::111122223333:role\\/ci\",\n\t \"username\":\"ci-\\ud83d\\ude00\\\\\\\"\",\"groups\":null}\n]\n",
        "f:2: role arn:aws:iam::111122223333:role/ci as ci-😀\\\"",
    );
    check(
        r#"{"mapRoles":[{"rolearn":"arn:aws:iam::111122223333:role/ci","username":"ci","groups":["a"]}],"mapUsers":[]}"#,
        r#"f:1: role arn:aws:iam::111122223333:role/ci as ci in ["a"]"#,
    );
    refused("{\"mapRoles\": [}", "f:1: not YAML: ");
}

#[test]
fn eksctl_mappings_go_to_the_section_of_their_arn() {
    check(
        "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: c, region: eu-central-1}
iam: {withOIDC: true}
iamIdentityMappings:
  - arn: arn:aws:iam::111122223333:role/admin
    username: admin
    groups:
      - system:masters
    noDuplicateARNs: true # prevents shadowing of ARNs
  - arn: arn:aws-cn:iam::111122223333:user/dev/ann
    username: ann
  - account: '444455556666'
  - arn: arn:aws:iam::111122223333:root
    username: root
",
        r#"
f:6: role arn:aws:iam::111122223333:role/admin as admin in ["system:masters"]
f:11: user arn:aws-cn:iam::111122223333:user/dev/ann as ann
f:13: account 444455556666
f:14: user arn:aws:iam::111122223333:root as root"#
            .trim_start(),
    );
    let config = |item: &str| {
        format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\niamIdentityMappings:\n- {item}\n"
        )
    };
    check(
        &config("{serviceName: emr-containers, namespace: emr}"),
        "f:4: an iamIdentityMappings item with `serviceName` also creates RBAC objects, which awsauth does not write
hint: For EMR on EKS, replace the item by `arn: arn:aws:iam::ACCOUNT:role/AWSServiceRoleForAmazonEMRContainers` with `username: emr-containers`, and create the Role and RoleBinding `emr-containers` in its namespace, as docs/peers.md shows.",
    );
    refused(
        &config("{arn: 'arn:aws:iam::1:group/g', username: g}"),
        "f:4: `arn:aws:iam::1:group/g` is neither a role nor a user",
    );
    refused(
        &config("{arn: 'role/x', username: g}"),
        "f:4: `role/x` is neither a role nor a user",
    );
    refused(
        &config("{arn: 'arn:aws:iam::1:role/x', username: g, noDuplicateARNs: 'true'}"),
        "f:4: `noDuplicateARNs` is text, but must be true or false",
    );
    check(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\niamIdentityMapping:\n- account: '444455556666'\n",
        "f:3: unknown field `iamIdentityMapping` in the ClusterConfig\nhint: Did you mean `iamIdentityMappings`?",
    );
    refused(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\niam: {}\n",
        "f:1: no desired state",
    );
}

#[test]
fn objects_lists_and_streams_are_read() {
    check(
        "\
---
apiVersion: iamauthenticator.k8s.aws/v1alpha1
kind: IAMIdentityMapping
metadata: {name: ci}
spec:
  arn: arn:aws:iam::111122223333:role/ci
  username: ci
  groups: [a]
status: {canonicalARN: x}
---
# nothing
---
apiVersion: v1
kind: List
items:
- apiVersion: awsauth.dev/v1alpha1
  kind: AwsAuthMapping
  metadata: {name: ann}
  spec: {user: 'arn:aws:iam::111122223333:user/ann', username: ann, deletionPolicy: Retain, driftPolicy: Report}
- apiVersion: awsauth.dev/v1alpha1
  kind: AwsAuthMapping
  spec: {account: '111122223333'}
---
mapRoles:
- {rolearn: 'arn:aws:iam::111122223333:role/x', username: x}
---
- {rolearn: 'arn:aws:iam::111122223333:role/why', username: why}
",
        r#"
f:6: role arn:aws:iam::111122223333:role/ci as ci in ["a"]
f:19: user arn:aws:iam::111122223333:user/ann as ann
f:22: account 111122223333
f:25: role arn:aws:iam::111122223333:role/x as x
f:27: role arn:aws:iam::111122223333:role/why as why"#
            .trim_start(),
    );
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    check(
        "\
- &base
  rolearn: arn:aws:iam::111122223333:role/a
  username: a
  groups: &groups [x]
- username: b
  <<: *base
  rolearn: arn:aws:iam::111122223333:role/b
- <<: [{groups: [z]}, *base]
  rolearn: arn:aws:iam::111122223333:role/c
- {userarn: 'arn:aws:iam::111122223333:user/d', username: d, groups: *groups}
- *base
",
        r#"
f:1: role arn:aws:iam::111122223333:role/a as a in ["x"]
f:5: role arn:aws:iam::111122223333:role/b as b in ["x"]
f:8: role arn:aws:iam::111122223333:role/c as a in ["z"]
f:10: user arn:aws:iam::111122223333:user/d as d in ["x"]"#
            .trim_start(),
    );
    // An anchor that is merged into itself.
    refused(
        "- &a {<<: [*a, *a], username: x}\n",
        "f:1: awsauth does not read aliases that add more than 1 MiB",
    );
    refused(
        "- <<: 1\n",
        "f:1: an item of the list is a number, but must be a mapping",
    );
    refused("- *a\n", "f:1: not YAML: unknown anchor `a`");
}

#[test]
fn configmap_is_read_as_the_authenticator_reads_it() {
    check(
        "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: aws-auth
  namespace: kube-system
  labels: {team: a}
data:
  mapRoles: |
    # nodes
    - groups:
      - system:bootstrappers
      - system:nodes
      rolearn: arn:aws:iam::111122223333:role/node
      username: system:node:{{EC2PrivateDNSName}}
    - RoleARN: arn:aws:iam::111122223333:role/ci
      username: ci
  mapUsers: \"- userarn: arn:aws:iam::111122223333:user/ann\\n  username: ann\\n  groups: []\\n\"
  mapAccounts: |
    - 012345678901
",
        r#"
f:10: role arn:aws:iam::111122223333:role/node as system:node:{{EC2PrivateDNSName}} in ["system:bootstrappers", "system:nodes"]
f:15: role arn:aws:iam::111122223333:role/ci as ci
f:17: user arn:aws:iam::111122223333:user/ann as ann in []
f:19: account 012345678901"#
            .trim_start(),
    );
    check(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth}\ndata: {mapRoles: \"# none\\n[]\\n\"}\n",
        "",
    );
}

#[test]
fn output_of_get_is_read_without_entries_that_have_no_effect() {
    check(
        "\
roles:
- {arn: 'arn:aws:iam::1:role/A', username: a, groups: [x], line: 1, fileLine: 9, status: effective}
- {arn: 'arn:aws:iam::1:role/a', username: old, groups: [], line: 2, status: shadowed, reason: line 1 applies}
- {arn: 'arn:aws:iam::1:role/p/B', username: b, groups: [], line: 3, status: effective, reason: never matches}
- {arn: 'arn:aws:iam::1:user/C', username: c, groups: [], line: 4, status: effective}
- {arn: x, username: d, groups: [], line: 5, status: ignored, reason: dropped}
users: []
accounts: ['111122223333']
accessEntries: []
problems: [{section: mapUsers, line: 1, message: m}]
",
        r#"
f:2: role arn:aws:iam::1:role/A as a in ["x"]
f:5: role arn:aws:iam::1:user/C as c in []
f:8: account 111122223333"#
            .trim_start(),
    );
    refused(
        "roles: []\naccessEntries:\n- {principalArn: 'arn:aws:iam::1:role/A'}\n",
        "f:2: access entries cannot be applied to aws-auth",
    );
    refused(
        "roles: []\nmapUsers: []\n",
        "f:2: unknown field `mapUsers` in the output of get",
    );
}

#[test]
fn repeated_mapping_must_be_identical() {
    let both = |first: &str, second: &str| {
        let joined = || -> Result<_, DesiredError> {
            merge([read(first, "one", None)?, read(second, "two", None)?].concat())
        };
        shown(joined())
    };
    let role = "- {rolearn: 'arn:aws:iam::1:role/A', username: a, groups: [x, w]}\n";
    assert_eq!(
        both(
            role,
            "\n- {rolearn: 'arn:aws:iam::1:role/a', username: a, groups: [w, x]}\n- account: 111122223333\n"
        ),
        "one:1: role arn:aws:iam::1:role/A as a in [\"x\", \"w\"]\ntwo:3: account 111122223333",
    );
    let other = "two:1: arn:aws:iam::1:role/A is also requested at one:1, with";
    for (second, difference) in [
        (
            "rolearn: 'arn:aws:iam::1:role/A', username: b, groups: [x, w]",
            "username `a`",
        ),
        (
            "rolearn: 'arn:aws:iam::1:role/A', username: a",
            "groups [x, w]",
        ),
        (
            "userarn: 'arn:aws:iam::1:role/A', username: a, groups: [x, w]",
            "mapRoles as its list",
        ),
    ] {
        let second = format!("- {{{second}}}\n");
        assert_eq!(
            both(role, &second),
            format!("{other} {difference}\nhint: Keep one of the two.")
        );
    }
    check(
        &format!("{role}{role}"),
        "f:1: role arn:aws:iam::1:role/A as a in [\"x\", \"w\"]",
    );
    refused(
        &format!("{role}- {{rolearn: 'arn:aws:iam::1:role/A', username: a, groups: []}}\n"),
        "f:2: arn:aws:iam::1:role/A is also requested at f:1, with groups [x, w]",
    );
}
