use crate::document::SectionName;
use crate::history::Contents;

/// The keys of `data` whose texts stand in the page, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys(Vec<String>);

impl Keys {
    /// The three sections, there or not, and with `others` the keys beside them, which may be misspelt sections.
    pub fn of(contents: &Contents, others: bool) -> Self {
        let sections = SectionName::ALL.map(|name| name.key().to_owned());
        let mut keys = Self(sections.into());
        if others {
            keys.add(contents);
        }
        keys
    }

    /// Shows those of other contents, too.
    pub fn add(&mut self, contents: &Contents) {
        for key in contents.data.keys().filter(|key| is_name(key)) {
            if !self.has(key) {
                self.0.push(key.clone());
            }
        }
    }

    /// Whether the text of this key stands in the page.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|shown| shown == key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// What Kubernetes takes as a key.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-object>
fn is_name(key: &str) -> bool {
    let may_be = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !key.is_empty() && key.chars().all(may_be)
}
