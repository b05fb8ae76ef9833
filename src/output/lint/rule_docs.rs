//! The description of a rule in docs/lint.md.

use crate::terminal::REPOSITORY;
use awsauth_core::lint::Rule;

const PAGE: &str = include_str!("../../../docs/lint.md");

/// Returns the text below the rule's heading, with each paragraph on one line.
pub(super) fn description(rule: &Rule) -> String {
    let heading = format!("\n### {} {}\n", rule.id, rule.name);
    let below = PAGE.split_once(&heading).map_or("", |(_, below)| below);
    let part = below.split("\n##").next().unwrap_or_default().trim();
    let paragraphs = part.split("\n\n").map(|text| text.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Returns the URL of the rule's documentation, if the repository's address is known.
pub(super) fn url(rule: &Rule) -> Option<String> {
    let id = rule.id.to_lowercase();
    REPOSITORY.map(|repository| format!("{repository}/blob/main/docs/lint.md#{id}-{}", rule.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use awsauth_core::lint::RULES;

    #[test]
    fn every_rule_has_a_description() {
        for rule in RULES {
            let text = description(rule);
            assert!(
                text.len() > 40 && !text.contains("###"),
                "{}: {text}",
                rule.id
            );
        }
    }
}
