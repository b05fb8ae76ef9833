//! Lint rules about the manifest around aws-auth, in every style.

use std::collections::BTreeMap;

use awsauth_core::document::Document;
use awsauth_core::lint::{Facts, Needs, RULES, Selection, lint};
use awsauth_core::manifest::Manifest;

use crate::support::lint_facts::Data;
use crate::support::lint_mistakes::{self, Style};

const HEAD: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\n";

/// Mistakes, each with its rule and the changes of the manifest's head and of the keys of the sections.
const OF_THE_HEAD: [(&str, &str, &str); 15] = [
    ("S18", "kind: ConfigMap", "kind: Secret"),
    ("S18", "apiVersion: v1", "apiVersion: v2"),
    ("S18", "name: aws-auth", "name: aws-auth-copy"),
    ("S18", "namespace: kube-system", "namespace: default"),
    ("S18", "  namespace: kube-system\n", ""),
    ("S20", "apiVersion: v1\n", ""),
    ("S20", "apiVersion: v1", "apiVersin: v1"),
    ("S20", "namespace: kube-system", "namespce: kube-system"),
    ("S20", "\ndata:", "\nspec: {}\ndata:"),
    ("S20", "\ndata:", "\nimmutable: \"true\"\ndata:"),
    ("S20", "metadata:", "metadata:\n  labels: {team: 12}"),
    ("S20", "metadata:", "metadata:\n  labels: [a]"),
    (
        "S20",
        "metadata:",
        "metadata:\n  annotations: {checked: true}",
    ),
    ("S18", "data:", "binaryData:"),
    ("S18", "data:", "stringData:"),
];

/// Returns the IDs of the file rules with findings.
fn found(text: &str) -> Vec<&'static str> {
    let (manifest, manifest_faults) =
        Manifest::parse_with_faults(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let facts = Facts {
        is_file: true,
        manifest_faults,
        ..Facts::default()
    };
    let document = Document::read(manifest.data());
    let report = lint(manifest.data(), &document, &facts, &Selection::default());
    let rules = report.findings.iter().map(|finding| finding.rule);
    rules
        .filter(|rule| rule.needs == Needs::File)
        .map(|rule| rule.id)
        .collect()
}

/// Renders the sections below `data`, each after `behind`.
fn sections(data: &Data, behind: &str, indent: usize) -> String {
    let mut text = "data:\n".to_owned();
    for (key, section) in data {
        text += &format!("  {key}:{behind}\n");
        for line in section.lines() {
            text += &format!("{}{line}\n", " ".repeat(indent));
        }
    }
    text
}

/// Returns the content of the sections as text.
fn meaning<T: AsRef<str> + ToString>(data: &BTreeMap<String, T>) -> String {
    let texts: Data = data
        .iter()
        .map(|(key, text)| (key.clone(), text.to_string()))
        .collect();
    let document = Document::read(&texts);
    let entries = document.sections().flat_map(|section| section.entries());
    entries
        .map(|entry| format!("{:?}\n", entry.mapping()))
        .collect()
}

#[test]
fn mistakes_around_the_document_are_found() {
    let mut mistakes: BTreeMap<&str, usize> = BTreeMap::new();
    for (style, data) in lint_mistakes::clean(1) {
        let good = HEAD.to_owned() + &sections(&data, " |", 4);
        assert!(found(&good).is_empty(), "{style:?}\n{good}");
        for (rule, from, to) in OF_THE_HEAD {
            let bad = good.replacen(from, to, 1);
            assert_eq!(found(&bad), [rule], "{style:?}\n{bad}");
            *mistakes.entry(rule).or_default() += 1;
        }
        for indent in [2, 3, 4, 8] {
            if indent == 2 && style == Style::Json {
                continue;
            }
            let bad = HEAD.to_owned() + &sections(&data, "", indent);
            assert_eq!(found(&bad), vec!["S03"; data.len()], "{style:?}\n{bad}");
            *mistakes.entry("S03").or_default() += 1;
        }
    }
    for data in [
        "",
        "data:\n",
        "data: {}\n",
        "data:\n  mapRoles: |\n    []\n",
        "data: {mapUsers: null}\n",
    ] {
        assert_eq!(found(&format!("{HEAD}{data}")), ["S19"], "{data}");
        *mistakes.entry("S19").or_default() += 1;
    }
    for rule in RULES {
        // N18 depends on the time, too.
        let is_of_a_manifest =
            rule.needs == Needs::File && !rule.id.starts_with('P') && rule.id != "N18";
        assert!(
            !is_of_a_manifest || mistakes.contains_key(rule.id),
            "no mistake for rule {}",
            rule.id
        );
    }
}

/// A list directly below its key becomes a block scalar with the same content.
#[test]
fn added_block_indicators_lose_no_text() {
    for (style, data) in lint_mistakes::clean(2) {
        for (behind, indent, line_break) in [
            ("", 2, "\n"),
            ("", 4, "\n"),
            (" # a note", 5, "\n"),
            ("", 4, "\r\n"),
        ] {
            if indent == 2 && style == Style::Json {
                continue;
            }
            let below = sections(&data, behind, indent) + "# the end\n";
            let bad = (HEAD.to_owned() + &below).replace('\n', line_break);
            let fixed = Manifest::with_literal_blocks(bad.as_str())
                .unwrap_or_else(|error| panic!("{style:?} {error}\n{bad}"));
            for (key, text) in &data {
                assert_eq!(fixed.data()[key].trim_end(), text.trim_end(), "{bad}");
            }
            let again = Manifest::with_literal_blocks(fixed.text()).expect("it reads");
            assert_eq!(
                again.text(),
                fixed.text(),
                "applying it twice changes nothing more"
            );
            assert_eq!(fixed.text().matches(" |").count(), data.len());
            assert!(fixed.text().ends_with(&format!("# the end{line_break}")));
        }
        if style != Style::Json {
            continue;
        }
        // A flow collection may start on the line of its key.
        let bad = HEAD.to_owned() + &sections(&data, "", 4).replace(":\n    [", ": [");
        let fixed = Manifest::with_literal_blocks(bad.as_str())
            .unwrap_or_else(|error| panic!("{style:?} {error}\n{bad}"));
        assert_eq!(meaning(fixed.data()), meaning(&data), "{bad}");
    }
}
