//! Rules that have to know more than an aws-auth: every folder of `told` is one, with an input that it complains of, what is said of
//! that, and an input that no rule complains of. `UPDATE_CASES=1` writes what is said anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use awsauth::document::Document;
use awsauth::effect::AccessEntries;
use awsauth::facts::access_entries::AccessEntry;
use awsauth::facts::auth_mode::AuthenticationMode;
use awsauth::lint::{Facts, Finding, Needs, RULES, Report, Selection, Site, lint};
use awsauth::rbac::{Policy, Unread};

use crate::facts::{Data, read};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint/told");
    let folders = fs::read_dir(root).expect("tests/lint/told");
    let mut folders: Vec<_> = folders
        .map(|entry| entry.expect("a folder").path())
        .collect();
    folders.sort();
    folders
}

fn report(data: &Data, facts: &Facts) -> Report {
    lint(data, &Document::read(data), facts, &Selection::default())
}

fn of_file(path: &Path) -> Report {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (data, facts) = read(&text);
    report(&data, &facts)
}

fn line(finding: &Finding) -> String {
    let place = match &finding.site {
        Site::Text(text) => format!("{}:{}", text.section.key(), text.start.line),
        Site::Key(key) => key.clone(),
        Site::File(_) | Site::ConfigMap => "aws-auth".to_owned(),
    };
    let (severity, rule) = (finding.severity.name(), finding.rule);
    let (message, help) = (&finding.message, &finding.help);
    format!(
        "{place}: {severity}[{} {}]: {message}\nhelp: {help}\n",
        rule.id, rule.name
    )
}

#[test]
fn rules_say_what_the_facts_make_of_an_entry() {
    for folder in folders() {
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let bad = of_file(&folder.join("bad.yaml"));
        let said: String = bad.findings.iter().map(line).collect();
        let path = folder.join("said");
        if std::env::var_os("UPDATE_CASES").is_some() {
            fs::write(&path, &said).expect("said");
        }
        assert_eq!(
            said,
            fs::read_to_string(&path).unwrap_or_default(),
            "{name}"
        );
        let of_rule =
            |finding: &&Finding| name == format!("{}-{}", finding.rule.id, finding.rule.name);
        assert!(
            bad.findings.iter().any(|finding| of_rule(&finding)),
            "{name}"
        );
        let good = of_file(&folder.join("good.yaml"));
        let said: String = good.findings.iter().map(line).collect();
        assert_eq!(said, "", "{name}: nothing is found in good.yaml");
        let waits = |not_checked: &awsauth::lint::NotChecked| name.starts_with(not_checked.rule.id);
        assert!(!good.not_checked.iter().any(waits), "{name} is checked");
    }
}

/// What is said of the rules that were not checked, by their ids.
fn lacks(facts: &Facts) -> Vec<(String, String)> {
    let report = report(&Data::new(), facts);
    let lack = |not_checked: &awsauth::lint::NotChecked| {
        (
            not_checked.rule.id.to_owned(),
            not_checked.needs.to_string(),
        )
    };
    report.not_checked.iter().map(lack).collect()
}

#[test]
fn a_rule_without_its_facts_says_so() {
    let nothing = lacks(&Facts::default());
    let waiting: Vec<_> = nothing.iter().map(|(id, _)| id.as_str()).collect();
    let needing = RULES
        .iter()
        .filter(|rule| !matches!(rule.needs, Needs::Nothing | Needs::File));
    assert_eq!(waiting, needing.map(|rule| rule.id).collect::<Vec<_>>());

    let lack = |facts: &Facts, id: &str| {
        let lacks = lacks(facts).into_iter().find(|(other, _)| other == id);
        lacks.map(|(_, needs)| needs).unwrap_or_default()
    };
    let unread = |resource: &str, permission: Option<&str>| Facts {
        rbac: Some(Policy {
            unread: vec![Unread {
                resource: resource.to_owned(),
                is_one: false,
                permission: permission.map(str::to_owned),
                why: "the server is tired".to_owned(),
            }],
            ..Policy::default()
        }),
        ..Facts::default()
    };
    let roles = unread("clusterroles", Some("list clusterroles"));
    assert_eq!(lack(&roles, "G10"), "permission to list clusterroles");
    assert_eq!(lack(&roles, "G02"), "");
    let bindings = unread("rolebindings", None);
    for id in ["A05", "G02", "G10", "U08"] {
        assert_eq!(
            lack(&bindings, id),
            "rolebindings, which can't be read: the server is tired"
        );
    }
    let told = |entries| Facts {
        rbac: Some(Policy::default()),
        access_entries: Some(Arc::new(AccessEntries::new(
            AuthenticationMode::ApiAndConfigMap,
            entries,
        ))),
        ..Facts::default()
    };
    let unlisted = told(None);
    assert_eq!(lack(&unlisted, "N12"), "");
    for id in ["D06", "N13"] {
        assert_eq!(
            lack(&unlisted, id),
            "the access entries, which EKS does not tell"
        );
    }
    let undescribed = told(Some(vec![AccessEntry {
        principal_arn: "arn:aws:iam::444455556666:role/dev".to_owned(),
        terms: None,
    }]));
    assert_eq!(lack(&undescribed, "D06"), "");
    assert_eq!(
        lack(&undescribed, "N13"),
        "what is in the access entries, which EKS does not tell"
    );
}

/// Who created a cluster of mode CONFIG_MAP, nothing shows, so that nobody knows whether somebody is locked out.
#[test]
fn the_creator_may_be_the_admin() {
    for (mode, severity) in [("CONFIG_MAP", "warning"), ("API_AND_CONFIG_MAP", "error")] {
        let (data, facts) = read(&format!(
            "kind: ConfigMap\nmetadata: {{}}\ndata: {{}}\n---\nkind: ClusterRole\nmetadata: {{name: a}}\n---\nkind: Cluster\nauthenticationMode: {mode}\n"
        ));
        let said: Vec<String> = report(&data, &facts).findings.iter().map(line).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains(&format!("{severity}[N13 no-reachable-admin]")),
            "{said:?}"
        );
        assert_eq!(
            said[0].contains("created the cluster"),
            severity == "warning"
        );
    }
}

#[test]
fn somebody_of_a_mapped_account_may_be_the_admin() {
    let text = |account: &str| {
        format!(
            "kind: ConfigMap\nmetadata: {{}}\ndata: {{mapAccounts: '[\"{account}\"]'}}\n---\n\
         kind: ClusterRoleBinding\nmetadata: {{name: a}}\nroleRef: {{kind: ClusterRole, name: all}}\n\
         subjects: [{{kind: User, name: 'arn:aws:iam::444455556666:role/admin'}}]\n---\n\
         kind: ClusterRole\nmetadata: {{name: all}}\nrules: [{{verbs: ['*'], apiGroups: ['*'], resources: ['*']}}]\n---\n\
         kind: Cluster\nauthenticationMode: API_AND_CONFIG_MAP\n"
        )
    };
    for (account, expected) in [("444455556666", false), ("777788889999", true)] {
        let (data, facts) = read(&text(account));
        let report = report(&data, &facts);
        let has = report
            .findings
            .iter()
            .any(|finding| finding.rule.id == "N13");
        assert_eq!(has, expected, "{account}");
    }
}
