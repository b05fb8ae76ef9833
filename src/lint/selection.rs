use thiserror::Error;

use super::{RULES, Rule};

/// Which rules to check.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Empty: all.
    select: Vec<&'static Rule>,
    ignore: Vec<&'static Rule>,
}

/// A word that names no rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no rule {given}")]
pub struct UnknownRule {
    /// The word.
    pub given: String,
    /// The id or name that is nearest to it.
    pub nearest: &'static str,
}

impl Selection {
    /// Rules by their ids or names, and groups by their letter: those of `select`, or all when there are none, without
    /// those of `ignore`.
    ///
    /// # Errors
    /// When a word names no rule.
    pub fn new(select: &[String], ignore: &[String]) -> Result<Self, UnknownRule> {
        Ok(Self {
            select: rules(select)?,
            ignore: rules(ignore)?,
        })
    }

    /// Whether a rule is to be checked.
    pub fn admits(&self, rule: &'static Rule) -> bool {
        (self.select.is_empty() || self.select.contains(&rule)) && !self.ignore.contains(&rule)
    }
}

fn rules(words: &[String]) -> Result<Vec<&'static Rule>, UnknownRule> {
    let mut rules = Vec::new();
    for word in words {
        let before = rules.len();
        rules.extend(
            RULES
                .into_iter()
                .filter(|rule| is_called(rule, word) || rule.id[..1] == *word),
        );
        if rules.len() == before {
            return Err(UnknownRule {
                given: word.clone(),
                nearest: nearest(word),
            });
        }
    }
    Ok(rules)
}

/// Whether a rule has this id or name.
pub(super) fn is_called(rule: &Rule, word: &str) -> bool {
    rule.id.eq_ignore_ascii_case(word) || rule.name == word
}

/// The id or name that is nearest to a word that is none.
pub(super) fn nearest(word: &str) -> &'static str {
    let words = RULES.into_iter().flat_map(|rule| [rule.id, rule.name]);
    words
        .min_by_key(|known| strsim::levenshtein(known, word))
        .unwrap_or_default()
}
