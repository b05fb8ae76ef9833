//! Lint rules that need facts about the cluster.
//!
//! Each folder of `tests/data/lint_facts` is a case: an input with a finding, the expected findings, and an input
//! without one. `UPDATE_CASES=1` rewrites the expected findings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use awsauth_core::authenticator::AccessEntries;
use awsauth_core::document::Document;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::lint::{Facts, Finding, Needs, RULES, Report, Selection, Site, lint};
use awsauth_core::rbac::{Policy, Unread};

use crate::support::lint_facts::{Data, read};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lint_facts");
    let folders = fs::read_dir(root).expect("tests/data/lint_facts");
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
fn findings_on_facts_match_the_recording() {
    for folder in folders() {
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let bad = of_file(&folder.join("bad.yaml"));
        let found: String = bad.findings.iter().map(line).collect();
        let path = folder.join("findings");
        if std::env::var_os("UPDATE_CASES").is_some() {
            fs::write(&path, &found).expect("findings");
        }
        assert_eq!(
            found,
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
        let found: String = good.findings.iter().map(line).collect();
        assert_eq!(found, "", "{name}: nothing is found in good.yaml");
        let waits =
            |not_checked: &awsauth_core::lint::NotChecked| name.starts_with(not_checked.rule.id);
        assert!(!good.not_checked.iter().any(waits), "{name} is checked");
    }
}

/// The reasons for rules that were skipped, by ID.
fn missing_facts(facts: &Facts) -> Vec<(String, String)> {
    let report = report(&Data::new(), facts);
    let lack = |not_checked: &awsauth_core::lint::NotChecked| {
        (
            not_checked.rule.id.to_owned(),
            not_checked.needs.to_string(),
        )
    };
    report.not_checked.iter().map(lack).collect()
}

#[test]
fn rule_without_its_facts_is_reported_as_skipped() {
    let nothing = missing_facts(&Facts::default());
    let waiting: Vec<_> = nothing.iter().map(|(id, _)| id.as_str()).collect();
    let needing = RULES
        .iter()
        .filter(|rule| !matches!(rule.needs, Needs::Nothing | Needs::File));
    assert_eq!(waiting, needing.map(|rule| rule.id).collect::<Vec<_>>());

    let lack = |facts: &Facts, id: &str| {
        let missing_facts = missing_facts(facts)
            .into_iter()
            .find(|(other, _)| other == id);
        missing_facts.map(|(_, needs)| needs).unwrap_or_default()
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
            "rolebindings, which cannot be read: the server is tired"
        );
    }
    let reported = |entries| Facts {
        rbac: Some(Policy::default()),
        access_entries: Some(Arc::new(AccessEntries::new(
            AuthenticationMode::ApiAndConfigMap,
            entries,
        ))),
        ..Facts::default()
    };
    let unlisted = reported(None);
    assert_eq!(lack(&unlisted, "N12"), "");
    for id in ["D06", "N13"] {
        assert_eq!(
            lack(&unlisted, id),
            "the access entries, which EKS did not return"
        );
    }
    let undescribed = reported(Some(vec![AccessEntry {
        principal_arn: "arn:aws:iam::444455556666:role/dev".to_owned(),
        terms: None,
    }]));
    assert_eq!(lack(&undescribed, "D06"), "");
    assert_eq!(
        lack(&undescribed, "N13"),
        "the contents of the access entries, which EKS did not return"
    );
}

/// In mode CONFIG_MAP the creator of a cluster is unknown, so it is unknown whether all administrators are locked out.
#[test]
fn missing_administrator_is_reported_by_severity_of_the_mode() {
    for (mode, severity) in [("CONFIG_MAP", "warning"), ("API_AND_CONFIG_MAP", "error")] {
        let (data, facts) = read(&format!(
            "kind: ConfigMap\nmetadata: {{}}\ndata: {{}}\n---\nkind: ClusterRole\nmetadata: {{name: a}}\n---\nkind: Cluster\nauthenticationMode: {mode}\n"
        ));
        let found: Vec<String> = report(&data, &facts).findings.iter().map(line).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains(&format!("{severity}[N13 no-reachable-admin]")),
            "{found:?}"
        );
        assert_eq!(
            found[0].contains("created the cluster"),
            severity == "warning"
        );
    }
}

#[test]
fn mapped_account_counts_as_administrator() {
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
