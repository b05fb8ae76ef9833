//! Inputs that are not a desired state, with their messages and hints.

use super::{check, refused};

fn configmap(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\ndata:\n{data}")
}

#[test]
fn configmap_with_problems_is_refused() {
    check(
        &configmap("  mapRoles: |\n    - rolearn: arn:aws:iam::1:role/a\n      username: 123\n    - username: b\n"),
        "\
f:8: the authenticator would not read all of mapRoles: line 8: json: cannot unmarshal number into Go struct field RoleMapping.username of type string; line 9: one of rolearn or SSO must be supplied
hint: Correct these lines: `awsauth lint` explains each, and `awsauth lint --fix` corrects most of them.",
    );
    refused(&configmap("  mapRoles: |\n    - a: [\n"), "f:");
    check(
        &configmap(
            "  mapRoles: |\n    - rolearn: arn:aws:iam::1:role/a\n      username: a\n      group: [x]\n",
        ),
        "f:9: unknown field `group` in an item of mapRoles\nhint: Did you mean `groups`?",
    );
    check(
        &configmap("  mapRoles: |\n    - rolearn: arn:aws:iam::1:role/a\n"),
        "\
f:7: arn:aws:iam::1:role/a has no username, and the authenticator would sign it in as the user with the empty name
hint: Add one, such as `username: a`.",
    );
    check(
        &configmap(
            "  mapRoles: |\n    - {rolearn: r, username: a}\n    ---\n    - {rolearn: s, username: a}\n",
        ),
        "\
f:8: mapRoles contains several YAML documents, but the authenticator reads only the first
hint: Remove the `---` lines inside the text.",
    );
    refused(
        &configmap("  mapRoles: |\n    ---\n    ---\n    - {rolearn: r, username: a}\n"),
        "f:6: mapRoles has no value",
    );
    for nothing in ["''", "", "\"# none\"", "'~'"] {
        refused(
            &configmap(&format!("  mapRoles: {nothing}\n")),
            "f:6: mapRoles has no value",
        );
    }
    check(
        &configmap("  mapRoles:\n  - rolearn: arn:aws:iam::1:role/a\n"),
        "f:6: `mapRoles` must be a string that contains the list, not the list itself\nhint: Put `|` after `mapRoles:`.",
    );
    check(
        &configmap("  maproles: '[]'\n"),
        "f:6: unknown field `maproles` in `data`\nhint: Did you mean `mapRoles`?",
    );
    refused(&configmap(""), "f:1: no desired state");
    check(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: default}\ndata: {mapRoles: '[]'}\n",
        "\
f:3: ConfigMap default/aws-auth is not kube-system/aws-auth
hint: Use the ConfigMap aws-auth in namespace kube-system; the authenticator reads no other ConfigMap.",
    );
}

#[test]
fn empty_state_requires_an_explicit_empty_list() {
    for none in [
        "[]",
        "mapRoles: []\n",
        "apiVersion: v1\nkind: List\nitems: []\n",
    ] {
        check(none, "");
    }
    for empty in [
        "",
        "\n",
        "# all gone\n",
        "---\n---\n",
        "~",
        "{}",
        "apiVersion: v1\nkind: List\n",
    ] {
        check(
            empty,
            "\
f:1: no desired state: neither a mapping nor an empty list
hint: Write `[]` to request an empty list, so that an empty file never prunes by accident.",
        );
    }
    check(
        "mapUsers: []\nmapRoles:\n",
        "\
f:2: mapRoles has no value
hint: Write `[]` after mapRoles if it must be empty, or remove it.",
    );
}

#[test]
fn unknown_field_is_reported_with_the_nearest_name() {
    let item = |field: &str| {
        format!("mapRoles:\n- rolearn: arn:aws:iam::1:role/a\n  username: a\n  {field}: [x]\n")
    };
    for (field, nearest) in [
        ("group", "groups"),
        ("Groups", "groups"),
        ("user_name", "username"),
        ("user", "username"),
    ] {
        let expected = format!(
            "f:4: unknown field `{field}` in an item of mapRoles\nhint: Did you mean `{nearest}`?"
        );
        check(&item(field), &expected);
    }
    check(
        &item("tier"),
        "f:4: unknown field `tier` in an item of mapRoles\nhint: Known fields: rolearn, sso, username, groups, expires.",
    );
    check(
        "maproles: []\n",
        "f:1: unknown field `maproles` in desired state\nhint: Did you mean `mapRoles`?",
    );
    check(
        "mapUsers:\n- rolearn: arn:aws:iam::1:role/a\n  username: a\n",
        "f:2: `rolearn` does not belong in an item of mapUsers\nhint: Move the item to mapRoles.",
    );
    refused(
        "mapRoles:\n- roleARN: x\n",
        "f:2: unknown field `roleARN` in an item of mapRoles\nhint: Did you mean `rolearn`?",
    );
}

#[test]
fn mapping_requires_one_principal_and_a_username() {
    let two = "f:1: both `rolearn` and `userarn`, but a mapping has only one principal\nhint: Split it into two items.";
    check("- {rolearn: a, userarn: b, username: c}\n", two);
    check("mapRoles: [{rolearn: a, userarn: b, username: c}]\n", two);
    check(
        "- {username: c}\n",
        "\
f:1: an item of the list has no principal: none of `rolearn`, `userarn`, `account`, `sso`
hint: Add one of `rolearn`, `userarn`, `account`, `sso`.",
    );
    for username in ["", ", username: ''", ", username: null", ", username: "] {
        check(
            &format!("- {{rolearn: 'arn:aws:iam::1:role/p/ci'{username}}}\n"),
            "\
f:1: arn:aws:iam::1:role/p/ci has no username, and the authenticator would sign it in as the user with the empty name
hint: Add one, such as `username: ci`.",
        );
    }
    refused(
        "- {rolearn: '', username: x}\n",
        "f:1: the role's ARN is empty",
    );
    refused(
        "- {rolearn: 'a ', username: x}\n",
        "f:1: the role's ARN starts or ends with white space",
    );
    refused(
        "- {rolearn: a, username: x, groups: ['']}\n",
        "f:1: an item of `groups` is empty",
    );
    refused(
        "- {rolearn: a, username: x, username: y}\n",
        "f:1: `username` is given twice",
    );
    refused(
        "- {account: '111122223333', groups: [a]}\n",
        "f:1: account 111122223333 cannot have `groups`: mapAccounts maps each identity of the account to its own ARN",
    );
    refused(
        "mapAccounts: [1111-2222-3333]\n",
        "f:1: `1111-2222-3333` is not an AWS account id",
    );
    refused(
        "mapAccounts: [[a]]\n",
        "f:1: an item of mapAccounts is a list, but must be text",
    );
}

#[test]
fn value_that_yaml_does_not_read_as_text_must_be_quoted() {
    for (scalar, kind) in [
        ("123", "a number"),
        ("0x1F", "a number"),
        ("1_000", "a number"),
        ("5.", "a number"),
        ("1e5", "a number"),
        (".5", "a number"),
        (".inf", "a number"),
        ("yes", "a boolean"),
        ("n", "a boolean"),
        ("Off", "a boolean"),
    ] {
        check(
            &format!("- rolearn: a\n  username: {scalar}\n"),
            &format!(
                "f:2: `username` is the unquoted {scalar}, which YAML reads as {kind}; the authenticator would read it as empty\nhint: Quote it: \"{scalar}\""
            ),
        );
    }
    refused(
        "- {rolearn: a, username: a, groups: [on]}\n",
        "f:1: an item of `groups` is the unquoted on",
    );
    refused(
        "- {rolearn: a, username: a, groups: [~]}\n",
        "f:1: an item of `groups` is empty, but must be text",
    );
    check(
        "- {rolearn: a, username: a, groups: system:masters}\n",
        "f:1: `groups` is text, but must be a list\nhint: Make `groups` a list.",
    );
    refused(
        "- {rolearn: a, username: {SessionName: ~}}\n",
        "f:1: `username` is a mapping, but must be text",
    );
    for text in [
        "1.2.3",
        "12:30",
        "yEs",
        "0b12",
        "2001-01-01",
        "!!str 123",
        "1x",
        "-a",
        "e1",
    ] {
        let bare = text.trim_start_matches("!!str ");
        check(
            &format!("- rolearn: a\n  username: {text}\n"),
            &format!("f:1: role a as {bare}"),
        );
    }
}

#[test]
fn invalid_sso_matchers_are_refused() {
    let sso = |sso: &str| format!("mapRoles:\n- sso: {sso}\n  username: a\n");
    check(
        &sso("{permissionSetName: A, accountID: '111122223333', partition: aws-cn}"),
        r#"f:2: sso "A" "111122223333" "aws-cn" as a"#,
    );
    check(
        &sso("{permissionSetName: A, accountID: 111122223333}"),
        "\
f:2: `accountID` is the unquoted 111122223333, which YAML reads as a number; the authenticator would read it as empty
hint: Quote it: \"111122223333\"",
    );
    refused(
        &sso("{permissionSetName: A}"),
        "f:2: `` is not an AWS account id",
    );
    refused(
        &sso("{permissionSetName: 'a b', accountID: '111122223333'}"),
        "f:2: sso permissionSetName `a b` is not valid: it must have 1 to 32 letters, digits or _+=,.@-",
    );
    refused(
        &sso("{permissionSetName: A, accountID: '111122223333', partition: azure}"),
        "f:2: sso partition `azure` is not an AWS partition",
    );
    refused(
        &sso("{permissionSet: A, accountID: '111122223333'}"),
        "f:2: unknown field `permissionSet` in `sso`\nhint: Did you mean `permissionSetName`?",
    );
    refused(
        "- {sso: {}, rolearn: a, username: a}\n",
        "f:1: both `rolearn` and `sso`",
    );
}

#[test]
fn other_input_is_refused_with_the_supported_forms() {
    check(
        "mapRoles:\n# {{ .Values.x }}\n{{- range .Values.roles }}\n",
        "f:3: Helm template text, not YAML yet: `{{- range .Values.roles }}`\nhint: Render it first: `helm template RELEASE CHART | awsauth apply -f -`",
    );
    refused("- rolearn: {{ .Values.role }}\n", "f:1: Helm template text");
    refused(
        "- {rolearn: a, username: '{{ include \"x\" . }}'}\n",
        "f:1: Helm template text",
    );
    refused(
        "- rolearn: {{SessionName}}\n  username: a\n",
        "f:1: `rolearn` is a mapping, but must be text",
    );
    refused(
        "apiVersion: apps/v1\nkind: Deployment\n",
        "f:2: apps/v1 Deployment is not a supported kind\nhint: Supported: an aws-auth ConfigMap; ",
    );
    for nameless in [
        "data: {mapRoles: '[]'}\n",
        "apiVersion: v1\nmetadata: {name: aws-auth}\n",
    ] {
        check(
            nameless,
            "\
f:1: an object without `kind` is not supported
hint: If it is the aws-auth ConfigMap, add `apiVersion: v1` and `kind: ConfigMap`.",
        );
    }
    refused(
        "kind: ConfigMap\n",
        "f:1: no apiVersion, ConfigMap is not a supported kind",
    );
    refused(
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: []}\n",
        "f:4: v1 List is not a supported kind",
    );
    refused(
        "hello\n",
        "f:1: desired state is text, but must be a mapping",
    );
    refused(
        "- a\n",
        "f:1: an item of the list is text, but must be a mapping",
    );
    refused(
        "mapRoles: |\n  - rolearn: a\n",
        "f:1: mapRoles is text, but must be a list",
    );
    refused("a: b: c\n", "f:1: not YAML: ");
}

#[test]
fn objects_without_a_mapping_are_refused() {
    let iam = "apiVersion: iamauthenticator.k8s.aws/v1alpha1\nkind: IAMIdentityMapping\n";
    check(
        iam,
        "\
f:1: the spec of an IAMIdentityMapping has no principal: none of `arn`
hint: Add one of `arn`.",
    );
    refused(
        &format!("{iam}spec:\n"),
        "f:3: the spec of an IAMIdentityMapping is empty, but must be a mapping",
    );
    refused(
        "apiVersion: awsauth.dev/v1alpha1\nkind: AwsAuthMapping\nspec: {role: a, account: b}\n",
        "f:3: both `role` and `account`, but a mapping has only one principal",
    );
    let ours =
        "apiVersion: awsauth.dev/v1alpha1\nkind: AwsAuthMapping\nspec:\n  role: a\n  username: a\n";
    check(
        &format!("{ours}  deletionPolicy: Keep\n"),
        "\
f:6: `deletionPolicy` is `Keep`, which is not a valid value
hint: Write Delete or Retain.",
    );
    refused(
        &format!("{ours}  driftPolicy: report\n"),
        "f:6: `driftPolicy` is `report`, which is not a valid value\nhint: Write Repair or Report.",
    );
    refused(
        &format!("{iam}spec: {{arn: a, driftPolicy: Report}}\n"),
        "f:3: unknown field `driftPolicy` in the spec of an IAMIdentityMapping",
    );
    refused(
        &format!("{iam}specs: {{}}\n"),
        "f:3: unknown field `specs` in the object\nhint: Did you mean `spec`?",
    );
    refused(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\niam: {}\nidentityProviders: []\n",
        "f:1: no desired state",
    );
}
