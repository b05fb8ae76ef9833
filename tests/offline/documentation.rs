//! Documentation pages that must match the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Each rule has a heading in docs/lint.md, in the order of the IDs, and a case with a finding and one without. The
/// case is in `tests/cases/lint`, or in `tests/data/lint_facts` if the rule needs facts that no file contains.
#[test]
fn lint_rules_have_a_heading_and_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = awsauth_core::lint::RULES.map(|rule| format!("{} {}", rule.id, rule.name));
    let page = fs::read_to_string(root.join("docs/lint.md")).expect("docs/lint.md");
    let headings: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    assert_eq!(headings, rules);
    assert!(rules.is_sorted(), "by id: {rules:?}");
    let ids: BTreeSet<&str> = awsauth_core::lint::RULES
        .iter()
        .map(|rule| rule.id)
        .collect();
    assert_eq!(ids.len(), rules.len(), "each id once");

    for rule in rules {
        let name = rule.replacen(' ', "-", 1);
        let folder = root.join("tests/cases/lint").join(&name);
        if !folder.exists() {
            let folder_of_facts = root.join("tests/data/lint_facts").join(&name);
            assert!(folder_of_facts.exists(), "{rule} has a folder of cases");
            continue;
        }
        let read = |file: &str| {
            let path = folder.join(file);
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        assert!(read("cmd").starts_with("awsauth lint bad.yaml good.yaml"));
        let output = read("stdout");
        let of = |name: &str| output.lines().filter(|line| line.starts_with(name)).count();
        let is_found =
            |line: &str| line.starts_with("bad.yaml") && line.contains(&format!("[{rule}]"));
        assert!(output.lines().any(is_found), "{rule} is found in bad.yaml");
        assert_eq!(of("good.yaml"), 0, "{rule}: nothing is found in good.yaml");
    }
}
