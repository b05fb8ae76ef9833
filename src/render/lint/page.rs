//! What docs/lint.md says of a rule: the page is where its words stand.

use crate::lint::Rule;

const PAGE: &str = include_str!("../../../docs/lint.md");

/// The part of the page below the rule's heading, each paragraph on one line.
pub(super) fn text(rule: &Rule) -> String {
    let heading = format!("\n### {} {}\n", rule.id, rule.name);
    let below = PAGE.split_once(&heading).map_or("", |(_, below)| below);
    let part = below.split("\n##").next().unwrap_or_default().trim();
    let paragraphs = part.split("\n\n").map(|text| text.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Where it stands on the web.
pub(super) fn address(rule: &Rule) -> String {
    format!(
        "{}/blob/main/docs/lint.md#{}-{}",
        env!("CARGO_PKG_REPOSITORY"),
        rule.id.to_lowercase(),
        rule.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::RULES;

    #[test]
    fn the_page_has_words_for_every_rule() {
        for rule in RULES {
            let text = text(rule);
            assert!(
                text.len() > 40 && !text.contains("###"),
                "{}: {text}",
                rule.id
            );
        }
    }
}
