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
    /// The id or name that is nearest to it, where one is near.
    pub nearest: Option<&'static str>,
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
                .filter(|rule| is_called(rule, word) || rule.id[..1].eq_ignore_ascii_case(word)),
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

/// The rule of this id or name.
///
/// # Errors
/// When there is none.
pub fn rule(word: &str) -> Result<&'static Rule, UnknownRule> {
    let mut rules = RULES.into_iter();
    rules
        .find(|rule| is_called(rule, word))
        .ok_or_else(|| UnknownRule {
            given: word.to_owned(),
            nearest: nearest(word),
        })
}

/// Whether a rule has this id or name.
pub(super) fn is_called(rule: &Rule, word: &str) -> bool {
    rule.id.eq_ignore_ascii_case(word) || rule.name == word
}

/// The id or name that is nearest to a word that is none, if no more than a third of the word is another.
pub(super) fn nearest(word: &str) -> Option<&'static str> {
    let words = RULES.into_iter().flat_map(|rule| [rule.id, rule.name]);
    let apart = |known: &str| strsim::levenshtein(known, word);
    let near = words
        .map(|known| (apart(known), known))
        .min_by_key(|(apart, _)| *apart)?;
    (near.0 <= (word.chars().count() / 3).max(1)).then_some(near.1)
}
