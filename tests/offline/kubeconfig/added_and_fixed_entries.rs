//! Entries that are added or fixed, and the reported changes.

use awsauth_core::kubeconfig::{Edited, EntryChange, FieldChange, FieldChangeKind, Part};

use crate::kubeconfig::{check, edit};
use crate::support::generated_kubeconfigs::{ARN, prod, prod_as};

/// Written by `aws eks update-kubeconfig` and then edited by hand.
const OF_AWS: &str = "\
apiVersion: v1
clusters:
- cluster:
    server: https://127.0.0.1:6443   # mine
  name: kind
- cluster:
    certificate-authority-data: T0xE
    server: https://0A1B.gr7.eu-west-1.eks.amazonaws.com
    proxy-url: http://bastion:3128 # keep
  name: arn:aws:eks:eu-west-1:111122223333:cluster/prod
contexts:
- context:
    cluster: arn:aws:eks:eu-west-1:111122223333:cluster/prod
    namespace: 'payments'
    user: arn:aws:eks:eu-west-1:111122223333:cluster/prod
  name: arn:aws:eks:eu-west-1:111122223333:cluster/prod
current-context: kind
kind: Config
preferences: {}
users:
- name: arn:aws:eks:eu-west-1:111122223333:cluster/prod
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - --region # where
      - eu-west-1
      - eks
      - get-token
      - --cluster-name
      - prod
      - --output
      - json
      command: aws
      env:
      - name: AWS_STS_REGIONAL_ENDPOINTS
        value: regional
      - name: AWS_PROFILE
        value: old
- name: kind
  user: {token: secret}
";

fn changed_fields(edited: &Edited, part: Part) -> Vec<(&str, &FieldChangeKind)> {
    let change = edited.changes.iter().find(|change| change.part == part);
    match &change.expect("each part is reported").what {
        EntryChange::Updated(changed_fields) => changed_fields
            .iter()
            .map(|FieldChange { field, how }| (field.as_str(), how))
            .collect(),
        EntryChange::Added => vec![("", &FieldChangeKind::Added)],
        EntryChange::Unchanged => Vec::new(),
    }
}

#[test]
fn aws_cli_entry_is_fixed_field_by_field() {
    let after = OF_AWS
        .replace("T0xE", "LS0tLS1CRUdJTi==")
        .replace("current-context: kind", &format!("current-context: {ARN}"))
        .replace("k8s.io/v1beta1", "k8s.io/v1")
        .replace(
            "      - --region # where\n      - eu-west-1\n      - eks\n      - get-token\n      - --cluster-name\n      - prod\n      - --output\n      - json\n",
            "      - token # where\n      - --cluster-name\n      - prod\n      - --region\n      - eu-west-1\n",
        )
        .replace("command: aws\n", "command: /usr/local/bin/awsauth\n")
        .replace("        value: old\n", "        value: ops\n      interactiveMode: Never\n");
    let edited = check(OF_AWS, &prod_as("ops"), &after);
    assert_eq!(
        changed_fields(&edited, Part::Cluster),
        [(
            "certificate-authority-data",
            &FieldChangeKind::Changed(None)
        )]
    );
    assert_eq!(
        changed_fields(&edited, Part::User),
        [
            (
                "exec.apiVersion",
                &FieldChangeKind::Changed(Some("client.authentication.k8s.io/v1beta1".to_owned()))
            ),
            ("exec.args", &FieldChangeKind::Changed(None)),
            (
                "exec.command",
                &FieldChangeKind::Changed(Some("aws".to_owned()))
            ),
            ("exec.env.AWS_PROFILE", &FieldChangeKind::Changed(None)),
            ("exec.interactiveMode", &FieldChangeKind::Added),
        ]
    );
    assert_eq!(changed_fields(&edited, Part::Context), []);
    assert_eq!(
        changed_fields(&edited, Part::CurrentContext),
        [(
            "current-context",
            &FieldChangeKind::Changed(Some("kind".to_owned()))
        )]
    );
}

#[test]
fn profile_is_removed_if_none_is_requested() {
    let edited = edit(OF_AWS, &prod());
    assert!(edited.text.contains(
        "      env:\n      - name: AWS_STS_REGIONAL_ENDPOINTS\n        value: regional\n      interactiveMode"
    ));
    let gone = ("exec.env.AWS_PROFILE", &FieldChangeKind::Removed);
    assert!(changed_fields(&edited, Part::User).contains(&gone));

    // An env without other variables is removed with it.
    let alone = OF_AWS.replace(
        "      - name: AWS_STS_REGIONAL_ENDPOINTS\n        value: regional\n",
        "",
    );
    let edited = edit(&alone, &prod());
    assert!(!edited.text.contains("env:"), "{}", edited.text);
    assert!(changed_fields(&edited, Part::User).contains(&gone));
}

#[test]
fn entries_are_added_beside_other_clusters() {
    let before = "\
# my clusters
apiVersion: v1
kind: Config
current-context: \"kind\"
clusters:
  # local
  - name: kind
    cluster: {server: https://127.0.0.1:6443}   # no CA

contexts:
  - name: kind
    context:
        cluster: kind
        user: kind
users:
  - name: kind
    user: {token: secret} # old
";
    let added = format!(
        "\
# my clusters
apiVersion: v1
kind: Config
current-context: \"{ARN}\"
clusters:
  # local
  - name: kind
    cluster: {{server: https://127.0.0.1:6443}}   # no CA
  - cluster:
        certificate-authority-data: LS0tLS1CRUdJTi==
        server: https://0A1B.gr7.eu-west-1.eks.amazonaws.com
    name: {ARN}

contexts:
  - name: kind
    context:
        cluster: kind
        user: kind
  - context:
        cluster: {ARN}
        user: {ARN}
    name: {ARN}
users:
  - name: kind
    user: {{token: secret}} # old
  - name: {ARN}
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
"
    );
    let edited = check(before, &prod(), &added);
    for part in [Part::Cluster, Part::User, Part::Context] {
        assert_eq!(
            changed_fields(&edited, part),
            [("", &FieldChangeKind::Added)]
        );
    }
    let again = edit(&edited.text, &prod());
    assert!(
        again
            .changes
            .iter()
            .all(|change| change.what == EntryChange::Unchanged)
    );
}

#[test]
fn fields_that_contradict_the_certificate_are_removed() {
    let entry = |fields: &str| {
        format!(
            "clusters:\n- cluster:\n    server: x\n{fields}    tls-server-name: y\n  name: {ARN}\n"
        )
    };
    let edited = edit(
        &entry(
            "    certificate-authority: /etc/ca.pem # theirs\n    insecure-skip-tls-verify: true\n",
        ),
        &prod(),
    );
    assert_eq!(
        changed_fields(&edited, Part::Cluster),
        [
            ("certificate-authority", &FieldChangeKind::Removed),
            ("certificate-authority-data", &FieldChangeKind::Added),
            ("insecure-skip-tls-verify", &FieldChangeKind::Removed),
            ("server", &FieldChangeKind::Changed(Some("x".to_owned()))),
        ]
    );
    assert!(edited.text.contains("    tls-server-name: y\n"));
    assert!(!edited.text.contains("/etc/ca.pem"));

    // A field without effect is kept.
    let kept = edit(
        &entry("    certificate-authority: \"\"\n    insecure-skip-tls-verify: false\n"),
        &prod(),
    );
    assert!(
        kept.text
            .contains("authority: \"\"\n    insecure-skip-tls-verify: false\n")
    );

    // If we write no certificate, the existing one is used.
    let mut entries = prod();
    entries.cluster.certificate_authority_data = None;
    let kept = edit(&entry("    certificate-authority: /etc/ca.pem\n"), &entries);
    assert!(kept.text.contains("/etc/ca.pem"));
    assert!(!kept.text.contains("certificate-authority-data"));
}

#[test]
fn proxy_is_replaced_only_on_request() {
    let mut entries = prod();
    assert!(
        edit(OF_AWS, &entries)
            .text
            .contains("proxy-url: http://bastion:3128 # keep")
    );
    entries.cluster.proxy_url = Some("socks5://localhost:1080".to_owned());
    let edited = edit(OF_AWS, &entries);
    assert!(
        edited
            .text
            .contains("proxy-url: socks5://localhost:1080 # keep"),
        "{}",
        edited.text
    );
    let fresh = edit("", &entries).text;
    assert!(
        fresh.contains("    proxy-url: socks5://localhost:1080\n    server: "),
        "{fresh}"
    );
}

#[test]
fn other_contexts_of_a_changed_user_are_reported() {
    let before = OF_AWS.replace(
        "current-context:",
        "- context: {cluster: other, user: arn:aws:eks:eu-west-1:111122223333:cluster/prod}\n  name: other\ncurrent-context:",
    );
    let edited = edit(&before, &prod());
    assert_eq!(edited.also_for, ["other"]);
    assert_eq!(edit(&edited.text, &prod()).also_for, [""; 0]);
}

#[test]
fn ambiguous_names_are_quoted() {
    for name in [
        "123",
        "on",
        "1e5",
        "2020-01-01",
        "null",
        "a b",
        "x:",
        "ünïcödé",
        "y",
    ] {
        let mut entries = prod();
        entries.context = name.to_owned();
        entries.user.exec.profile = Some(name.to_owned());
        let edited = edit("", &entries);
        assert!(
            edited.text.contains(&format!("name: \"{name}\"\n")),
            "{}",
            edited.text
        );
        assert!(
            edited
                .text
                .contains(&format!("current-context: \"{name}\"\n"))
        );
        assert!(edited.text.contains(&format!("value: \"{name}\"\n")));
    }
}
