//! Kubeconfigs in every style, and kubeconfigs that are refused.

use crate::kubeconfig::{check, edit, refused};
use crate::support::generated_kubeconfigs::{ARN, prod, prod_as};

/// The content of a file that was empty before.
const WHOLE: &str = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: LS0tLS1CRUdJTi==
    server: https://0A1B.gr7.eu-west-1.eks.amazonaws.com
  name: arn:aws:eks:eu-west-1:111122223333:cluster/prod
contexts:
- context:
    cluster: arn:aws:eks:eu-west-1:111122223333:cluster/prod
    user: arn:aws:eks:eu-west-1:111122223333:cluster/prod
  name: arn:aws:eks:eu-west-1:111122223333:cluster/prod
current-context: arn:aws:eks:eu-west-1:111122223333:cluster/prod
kind: Config
users:
- name: arn:aws:eks:eu-west-1:111122223333:cluster/prod
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      args:
      - token
      - --cluster-name
      - prod
      - --region
      - eu-west-1
      command: /usr/local/bin/awsauth
      interactiveMode: Never
";

#[test]
fn empty_file_gets_every_field() {
    check("", &prod(), WHOLE);
    check("# mine\n", &prod(), &format!("# mine\n{WHOLE}"));
    check("# mine", &prod(), &format!("# mine\n{WHOLE}"));
    check("---\n", &prod(), &format!("---\n{WHOLE}"));
    check("---", &prod(), &format!("---\n{WHOLE}"));
    check(
        "---\n# none\n...\n",
        &prod(),
        &format!("---\n# none\n{WHOLE}...\n"),
    );
    check("\n\n", &prod(), &format!("\n\n{WHOLE}"));
    check("null\n", &prod(), &format!("{WHOLE}\n"));
    check(
        "# mine\r\n",
        &prod(),
        &format!("# mine\r\n{}", WHOLE.replace('\n', "\r\n")),
    );
    check("\u{feff}", &prod(), &format!("\u{feff}{WHOLE}"));
}

#[test]
fn empty_lists_are_filled_in_place() {
    let before = "apiVersion: v1\nclusters: [] # none\ncontexts: null\ncurrent-context: \"\"\nkind: Config\npreferences: {}\nusers:\n";
    let after = WHOLE
        .replace("clusters:\n", "clusters: # none\n")
        .replace("kind: Config\n", "kind: Config\npreferences: {}\n");
    check(before, &prod(), &after);
}

#[test]
fn json_kubeconfig_stays_json() {
    let before = "{\n \"kind\": \"Config\",\n \"clusters\": [\n  {\n   \"name\": \"a\",\n   \"cluster\": {\n    \"server\": \"https://x\"\n   }\n  }\n ],\n \"users\": null\n}\n";
    let edited = edit(before, &prod_as("ops"));
    let value: serde_json::Value = serde_json::from_str(&edited.text).expect("JSON");
    assert_eq!(value["clusters"][1]["name"], ARN);
    assert_eq!(value["users"][0]["user"]["exec"]["env"][0]["value"], "ops");
    assert_eq!(value["users"][0]["user"]["exec"]["args"][4], "eu-west-1");
    assert_eq!(value["current-context"], ARN);
    let start = before.find("\n ],").expect("the end of the clusters");
    assert!(edited.text.starts_with(&before[..start]));
    assert!(
        edited
            .text
            .contains("\n  {\n   \"cluster\": {\n    \"certificate-authority-data\": \"LS0"),
        "{}",
        edited.text
    );

    // The reverse: fields and list items are removed.
    let edited = edit(&edited.text, &prod());
    let value: serde_json::Value = serde_json::from_str(&edited.text).expect("JSON");
    assert_eq!(value["users"][0]["user"]["exec"].get("env"), None);

    let edited = edit("{\"clusters\":[],\"kind\":\"Config\"}", &prod());
    assert!(
        edited
            .text
            .starts_with("{\"clusters\":[{\"cluster\":{\"certificate"),
        "{}",
        edited.text
    );
    serde_json::from_str::<serde_json::Value>(&edited.text).expect("JSON");
}

#[test]
fn flow_style_is_kept() {
    let before = format!(
        "kind: Config\nclusters: [{{name: a, cluster: {{server: x}}}}]\nusers: [{{name: '{ARN}', user: {{exec: {{command: aws, args: [a, 'b', \"c\"], env: []}}}}}}] # u\n"
    );
    let edited = edit(&before, &prod_as("ops"));
    assert!(
        edited.text.starts_with("kind: Config\nclusters: [{name: a, cluster: {server: x}}, {cluster: {certificate-authority-data: \"LS0"),
        "{}",
        edited.text
    );
    assert!(
        edited.text.contains(&format!("users: [{{name: '{ARN}', user: {{exec: {{command: \"/usr/local/bin/awsauth\", args: [\"token\", '--cluster-name', \"prod\", \"--region\", \"eu-west-1\"], env: [{{name: \"AWS_PROFILE\", value: \"ops\"}}], apiVersion: \"client")),
        "{}",
        edited.text
    );
    assert!(edited.text.contains("}] # u\n"));
}

#[test]
fn windows_line_endings_are_kept() {
    let edited = edit(
        &WHOLE.replace("/prod\n", "/dev\n").replace('\n', "\r\n"),
        &prod(),
    );
    assert_eq!(
        edited.text.matches('\n').count(),
        edited.text.matches("\r\n").count()
    );
    assert!(edited.text.contains("cluster/dev\r\n"));
}

#[test]
fn broken_file_is_refused_with_its_line() {
    for (text, message, remedy) in [
        ("clusters:\n- a: [\n", "line 3: not YAML: ", "fix line 3"),
        ("{\"clusters\": [\n,]}", "line 2: not YAML: ", "fix line 2"),
        (
            "a: b\n---\nc: d\n",
            "line 3: a second document begins here",
            "split the documents",
        ),
        (
            "- a\n",
            "line 1: not a kubeconfig: it is a list",
            "--kubeconfig FILE",
        ),
        (
            "text\n",
            "line 1: not a kubeconfig: it is a plain string",
            "--kubeconfig",
        ),
        (
            "# c\nkind: Pod\n",
            "line 2: not a kubeconfig: its kind is Pod, not Config",
            "--kubeconfig",
        ),
        (
            "apiVersion: v2\nkind: Config\n",
            "line 1: not a kubeconfig: its apiVersion is v2",
            "--kubeconfig",
        ),
        (
            "a: b\n",
            "line 1: not a kubeconfig: it has no clusters, contexts or users",
            "--kubeconfig",
        ),
        (
            "clusters: x\n",
            "line 1: clusters is text, not a list",
            "make clusters a list",
        ),
        (
            "clusters:\n- x\n",
            "line 2: an item of clusters is text, not a mapping",
            "a mapping",
        ),
        (
            "users:\n- name: 1\n",
            "line 2: a name in users is a number or boolean, not text",
            "text",
        ),
        (
            "users: []\nusers: []\n",
            "line 2: users is repeated; the first one is at line 1",
            "keep one",
        ),
        (
            "users:\n- name: a\n- name: a\n",
            "line 3: users has \"a\" twice; the first one is at line 2",
            "kubectl rejects",
        ),
        (
            "clusters: &c []\n",
            "line 1: clusters has the anchor &c, which awsauth does not change",
            "write it out",
        ),
        (
            "x: &c {name: a}\nclusters:\n- *c\n",
            "line 3: clusters has the alias *c",
            "write it out",
        ),
        (
            "x: &c {name: a}\nclusters:\n- <<: *c\n",
            "line 3: clusters has the merge key <<",
            "write it out",
        ),
        (
            "kind: Config\ncurrent-context: []\n",
            "line 2: current-context is a list, not text",
            "text",
        ),
        (
            "kind: Config\n\"users\": !!seq []\n",
            "line 2: users has the tag !!seq",
            "write it out",
        ),
    ] {
        let (error, hint) = refused(text);
        assert!(error.starts_with(message), "{text}: {error}");
        assert!(hint.contains(remedy), "{text}: {hint}");
    }
}

#[test]
fn entries_with_anchors_or_aliases_are_refused() {
    let entry = |user: &str| format!("x: &x 1\nusers:\n- name: {ARN}\n  user:\n{user}");
    for (text, message) in [
        (entry("    exec: &e {command: aws}\n"), "has the anchor &e"),
        (
            entry("    exec:\n      command: *x\n"),
            "users.arn:aws:eks:eu-west-1:111122223333:cluster/prod.user.exec.command has the alias *x",
        ),
        (
            entry("    exec:\n      args: [&y a]\n"),
            "has the anchor &y",
        ),
        (
            entry("    exec:\n      <<: {a: b}\n"),
            "has the merge key <<",
        ),
        (
            entry("    exec:\n      command: {}\n"),
            "is a mapping, not text",
        ),
        (entry("    exec: []\n"), "is a list, not a mapping"),
        (
            entry("    exec:\n      command: >\n        a\n        b\n      command: c\n"),
            "command is repeated",
        ),
    ] {
        let (error, _) = refused(&text);
        assert!(error.contains(message), "{text}: {error}");
    }
    // Other entries may use any style.
    let edited = edit(
        "users:\n- &a\n  name: a\n  user: &b {token: x}\n- name: c\n  user: *b\n",
        &prod(),
    );
    assert!(edited.text.starts_with(
        "users:\n- &a\n  name: a\n  user: &b {token: x}\n- name: c\n  user: *b\n- name: arn"
    ));
}

#[test]
fn credentials_in_the_file_are_kept() {
    for field in [
        "token: hush",
        "client-key-data: aHVzaA==",
        "auth-provider: {name: gcp}",
        "username: hush",
    ] {
        let (error, hint) = refused(&format!("users:\n- name: {ARN}\n  user:\n    {field}\n"));
        let name = field.split(':').next().expect("a name");
        assert!(
            error.ends_with(&format!("signs in with {name}, which would be lost")),
            "{error}"
        );
        assert!(error.starts_with("line 4: "));
        assert!(hint.contains("--user-alias"));
        assert!(!error.contains("hush"));
    }
    edit(
        &format!("users:\n- name: {ARN}\n  user:\n    token: \"\"\n"),
        &prod(),
    );
}
