//! The rate of known mistakes that lint finds, and of findings in correct documents.

use std::collections::BTreeMap;

use awsauth_core::document::Document;
use awsauth_core::lint::{Facts, Needs, RULES, Report, Selection, lint};

use crate::support::lint_facts::Data;
use crate::support::lint_mistakes::{self, Mistake};

/// The minimum percentage of mistakes that lint finds.
const FOUND: usize = 99;

fn report(data: &Data) -> Report {
    let facts = Facts {
        account: Some("111122223333".to_owned()),
        ..Facts::default()
    };
    lint(data, &Document::read(data), &facts, &Selection::default())
}

#[test]
fn known_mistakes_are_found() {
    let mistakes: Vec<Mistake> = lint_mistakes::all(1);
    let mut by_rule: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut missed = Vec::new();
    for Mistake {
        rule,
        name,
        style,
        data,
    } in &mistakes
    {
        let report = report(data);
        let (found, all) = by_rule.entry(rule).or_default();
        *all += 1;
        if report
            .findings
            .iter()
            .any(|finding| finding.rule.id == *rule)
        {
            *found += 1;
        } else {
            let ids: Vec<_> = report
                .findings
                .iter()
                .map(|finding| finding.rule.id)
                .collect();
            missed.push(format!("{name}, {style:?}: {ids:?}\n{data:?}"));
        }
    }
    let found = mistakes.len() - missed.len();
    eprintln!(
        "{found} of {} mistakes found, of {} rules",
        mistakes.len(),
        by_rule.len()
    );
    for (rule, (found, all)) in by_rule.iter().filter(|(_, (found, all))| found < all) {
        eprintln!("  {rule}: {found} of {all}");
    }
    missed.sort_by_key(String::len);
    missed.truncate(12);
    if std::env::var_os("AWSAUTH_LINT_MISSED").is_some() {
        eprintln!("{}", missed.join("\n"));
    }
    assert!(
        found * 100 >= mistakes.len() * FOUND,
        "{}",
        missed.join("\n")
    );
    for rule in RULES {
        let needs_no_cluster = matches!(rule.needs, Needs::Nothing | Needs::Account);
        assert!(
            !needs_no_cluster || by_rule.contains_key(rule.id),
            "no mistake for rule {}",
            rule.id
        );
    }
}

#[test]
fn correct_documents_have_no_findings() {
    let clean: Vec<_> = (1..=5).flat_map(lint_mistakes::clean).collect();
    for (style, data) in &clean {
        let document = Document::read(data);
        let report = lint(data, &document, &Facts::default(), &Selection::default());
        let message: Vec<_> = report
            .findings
            .iter()
            .map(|finding| (finding.rule.id, &finding.message))
            .collect();
        assert!(message.is_empty(), "{style:?} {message:?}\n{data:?}");
    }
    eprintln!("{} maps with nothing wrong, nothing found", clean.len());
}
