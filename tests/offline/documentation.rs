//! Documentation pages that must match the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The words and flags of every `awsauth` command on these pages are those of docs/cli.md. In an emergency, no command may be
/// wrong.
#[test]
fn commands_in_emergency_pages_exist() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let read = |page: &str| fs::read_to_string(docs.join(page)).expect("a page");
    let reference = read("cli.md");
    let sections: Vec<(&str, &str)> = reference
        .split("\n## ")
        .skip(1)
        .filter_map(|section| section.split_once('\n'))
        .collect();
    let (_, for_all) = sections
        .iter()
        .find(|(name, _)| *name == "awsauth options")
        .expect("the shared options");
    let has_flag = |section: &str, flag: &str| {
        let mut words = section.split(|c: char| c.is_whitespace() || "=[,".contains(c));
        words.any(|word| word == flag)
    };
    let mut commands = 0;
    for page in ["runbook.md", "troubleshooting.md"] {
        let text = read(page);
        // Whole lines of blocks, and spans in sentences.
        let lines = text.lines().map(|line| line.trim().to_owned());
        let spans = text
            .split('`')
            .map(|span| span.split_whitespace().collect::<Vec<_>>().join(" "));
        for command in lines.chain(spans) {
            let command = command.split(" #").next().unwrap_or_default();
            if !command.starts_with("awsauth ") {
                continue;
            }
            let words: Vec<&str> = command.split_whitespace().collect();
            let (name, section) = sections
                .iter()
                .filter(|(name, _)| {
                    let name: Vec<&str> = name.split(' ').collect();
                    words.starts_with(&name)
                })
                .max_by_key(|(name, _)| name.len())
                .expect("the program itself");
            assert_ne!(*name, "awsauth", "{page}: {command}");
            commands += 1;
            let own = words.iter().take_while(|word| **word != "--");
            for flag in own.filter(|word| word.starts_with("--")) {
                let flag = flag.split('=').next().unwrap_or_default();
                let is_known = has_flag(section, flag) || has_flag(for_all, flag);
                assert!(is_known, "{page}: {command}: no {flag} in docs/cli.md");
            }
        }
    }
    assert!(commands > 30, "{commands}");
}

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
