//! The keys whose values are on the page.

use crate::document::SectionName;
use crate::history::Contents;

/// The keys of `data` whose values are on the page, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(Vec<String>);

impl Keys {
    /// Returns the three sections, present or not. `others` adds the other keys, which may be misspelled sections.
    pub fn of(contents: &Contents, others: bool) -> Self {
        let sections = SectionName::ALL.map(|name| name.key().to_owned());
        let mut keys = Self(sections.into());
        if others {
            keys.add(contents);
        }
        keys
    }

    /// Adds the keys of other contents.
    pub fn add(&mut self, contents: &Contents) {
        for key in contents.data.keys().filter(|key| is_name(key)) {
            if !self.has(key) {
                self.0.push(key.clone());
            }
        }
    }

    /// Returns whether the text of this key is on the page.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|shown| shown == key)
    }

    /// Returns all keys.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Returns whether Kubernetes allows the key.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-object>
fn is_name(key: &str) -> bool {
    let may_be = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !key.is_empty() && key.chars().all(may_be)
}
