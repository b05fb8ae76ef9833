//! The aws-auth document: text that somebody wrote, and what the authenticator makes of it.

mod accounts;
mod decode;
pub mod edit;
mod entry;
mod fields;
mod items;
mod mapping;
mod oddity;
mod read;
pub(crate) mod resolve;
mod section;
mod span;
mod timestamp;
mod typed;
mod validate;

pub use entry::{Entry, Field, Fields, GroupItem, Status};
pub use mapping::{Mapping, Principal, SsoRole};
pub use oddity::{Oddity, Shape};
pub use section::{NotEditable, Problem, Section, SectionName};
pub use span::Span;

use std::collections::BTreeMap;
use std::sync::Arc;

/// The three sections of an aws-auth ConfigMap, each read on its own as the authenticator does.
///
/// Printing is the identity: every section's text comes out as it went in.
#[derive(Clone, Debug)]
pub struct Document {
    /// Shared between a document and those made from it: most edits leave two of them as they are.
    sections: [Arc<Section>; 3],
}

impl Document {
    /// Reads the `data` of a ConfigMap. Keys other than the three are not part of the document.
    /// Nothing fails: what cannot be read is a [`Problem`] of its section.
    pub fn read(data: &BTreeMap<String, impl Clone + Into<Arc<str>>>) -> Self {
        Self {
            sections: SectionName::ALL
                .map(|name| Arc::new(Section::read(name, data.get(name.key()).cloned()))),
        }
    }

    /// One of the three sections.
    pub fn section(&self, name: SectionName) -> &Section {
        &self.sections[name as usize]
    }

    /// The three sections in the order mapRoles, mapUsers, mapAccounts.
    pub fn sections(&self) -> impl Iterator<Item = &Section> + Clone {
        self.sections.iter().map(Arc::as_ref)
    }

    /// The same document with another text for one section.
    #[must_use]
    pub fn with(&self, name: SectionName, text: Option<String>) -> Self {
        let mut next = self.clone();
        next.sections[name as usize] = Arc::new(Section::read(name, text));
        next
    }
}
