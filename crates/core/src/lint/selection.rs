//! Which rules to check: `--select` and `--ignore`.

use thiserror::Error;

use super::rule::{Rule, closest};
use super::rules::RULES;

/// The rules to check.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Empty for all rules.
    select: Vec<&'static Rule>,
    ignore: Vec<&'static Rule>,
}

/// A word that is not the ID or name of a rule, nor the letter of a group.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no rule {given}")]
pub struct UnknownRule {
    pub given: String,
    /// The closest ID or name, if one is similar.
    pub closest: Option<&'static str>,
}

impl Selection {
    /// Selects the rules in `select`, or all rules if it is empty, except those in `ignore`. Both contain rule IDs, rule names
    /// and group letters.
    ///
    /// # Errors
    /// If a word names no rule.
    pub fn new(select: &[String], ignore: &[String]) -> Result<Self, UnknownRule> {
        Ok(Self {
            select: rules(select)?,
            ignore: rules(ignore)?,
        })
    }

    /// Returns whether a rule is selected.
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
                .filter(|rule| rule.is_called(word) || rule.id[..1].eq_ignore_ascii_case(word)),
        );
        if rules.len() == before {
            return Err(UnknownRule {
                given: word.clone(),
                closest: closest(&RULES, word),
            });
        }
    }
    Ok(rules)
}

/// Returns the rule with this ID or name.
///
/// # Errors
/// If there is none.
pub fn rule(word: &str) -> Result<&'static Rule, UnknownRule> {
    let mut rules = RULES.into_iter();
    rules
        .find(|rule| rule.is_called(word))
        .ok_or_else(|| UnknownRule {
            given: word.to_owned(),
            closest: closest(&RULES, word),
        })
}
