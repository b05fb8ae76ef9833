//! The aws-auth document: its sections as written, and what the authenticator reads in them.

mod account_reader;
mod decode_warning;
pub mod edit;
mod entry;
mod field_names;
mod go_yaml_decoder;
mod item_reader;
mod mapping;

mod authenticator_validation;
mod entry_decoder;
mod read;
mod section;
mod section_content;
mod section_name;
mod span;

pub use decode_warning::{DecodeWarning, Shape};
pub use entry::{Entry, Field, Fields, GroupItem, Status};
pub(crate) use go_yaml_decoder::{MAX_COPIED, NODE_SIZE};
pub use mapping::{Mapping, Principal, SsoRole};
pub use section::Section;
pub use section_content::{NotEditable, Problem};
pub use section_name::SectionName;
pub use span::Span;

use std::collections::BTreeMap;
use std::sync::Arc;

/// The fields of an entry that users write.
pub(crate) const ENTRY_FIELDS: [&str; 4] = ["rolearn", "userarn", "username", "groups"];

/// The three sections of an aws-auth ConfigMap, each read on its own as the authenticator does.
///
/// Every section is kept exactly as it was read.
#[derive(Clone, Debug)]
pub struct Document {
    /// Shared between a document and its edited copies, because most edits leave two sections unchanged.
    sections: [Arc<Section>; 3],
}

impl Document {
    /// Reads the `data` of a ConfigMap. Keys other than the three are not part of the document.
    /// Reading never fails: a section that cannot be read has a [`Problem`].
    pub fn read(data: &BTreeMap<String, impl Clone + Into<Arc<str>>>) -> Self {
        Self {
            sections: SectionName::ALL
                .map(|name| Arc::new(Section::read(name, data.get(name.key()).cloned()))),
        }
    }

    /// Returns one of the three sections.
    pub fn section(&self, name: SectionName) -> &Section {
        &self.sections[name as usize]
    }

    /// Returns the three sections in the order mapRoles, mapUsers, mapAccounts.
    pub fn sections(&self) -> impl Iterator<Item = &Section> + Clone {
        self.sections.iter().map(Arc::as_ref)
    }

    /// Returns the document with one section replaced.
    #[must_use]
    pub fn with(&self, name: SectionName, text: Option<String>) -> Self {
        let mut next = self.clone();
        next.sections[name as usize] = Arc::new(Section::read(name, text));
        next
    }
}
