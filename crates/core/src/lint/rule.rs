//! A rule's description, and how users refer to it.

use super::facts::Needs;

/// A rule: one problem to look for. Its check function is in the same file.
#[derive(Debug)]
pub struct Rule {
    /// Its ID, such as `R03`. The letter is the group. An ID never changes and is never reused.
    pub id: &'static str,
    /// Its name, such as `role-path`.
    pub name: &'static str,
    /// The severity of its findings, unless a finding sets another one.
    pub severity: Severity,
    pub needs: Needs,
    /// The IDs of the rules whose findings this rule explains better. If both find something in the same part of an entry,
    /// only this rule's finding is reported, so that one mistake is one finding.
    pub(super) supersedes: &'static [&'static str],
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The entry does not do what its author probably expects, or grants more than needed.
    Warning,
    /// A principal cannot sign in, or gets more access than intended.
    Error,
}

impl Severity {
    /// Returns the name that output and flags use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Rule {
    /// Returns whether `word` is its ID, in any letter case, or its name.
    pub(super) fn is_called(&self, word: &str) -> bool {
        self.id.eq_ignore_ascii_case(word) || self.name == word
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

/// The maximum length in bytes of a word that is compared with all names: no user means a rule by a longer one.
const MAX_WORD: usize = 64;

/// Returns the ID or name closest to an unknown word, if at most a third of its characters differ.
pub(super) fn closest(rules: &[&'static Rule], word: &str) -> Option<&'static str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let names = rules.iter().flat_map(|rule| [rule.id, rule.name]);
    let (distance, name) = names
        .map(|name| (strsim::levenshtein(name, word), name))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= (word.chars().count() / 3).max(1)).then_some(name)
}
