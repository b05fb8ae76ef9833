//! One section of the document.

use std::sync::Arc;

use super::decode_warning::Shape;
use super::entry::Entry;
use super::read::read;
use super::section_content::{List, NotEditable, Problem, SectionContent};
use super::section_name::SectionName;
use super::span::Span;

/// One section as written, and its entries.
#[derive(Clone, Debug)]
pub struct Section {
    name: SectionName,
    text: Option<Arc<str>>,
    content: SectionContent,
}

impl Section {
    /// Reads a section; `None` is an absent key.
    pub fn read(name: SectionName, text: Option<impl Into<Arc<str>>>) -> Self {
        let text: Option<Arc<str>> = text.map(Into::into);
        let content = text
            .as_deref()
            .map_or_else(SectionContent::empty, |text| read(name, text));
        Self {
            name,
            text,
            content,
        }
    }

    pub fn name(&self) -> SectionName {
        self.name
    }

    /// Returns the section as written; `None` if the key is absent.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Returns the section as written, without copying it.
    pub(crate) fn shared_text(&self) -> Option<Arc<str>> {
        self.text.clone()
    }

    /// Returns all items in document order, including those that the authenticator drops. The slice is empty if the section
    /// cannot be read.
    pub fn entries(&self) -> &[Entry] {
        &self.content.entries
    }

    /// Returns the errors that the authenticator logs, in its order and wording.
    pub fn problems(&self) -> &[Problem] {
        &self.content.problems
    }

    /// Checks whether edits can change the section.
    ///
    /// # Errors
    /// The position of the first unsupported construct, and the reason.
    pub fn editable(&self) -> Result<(), &NotEditable> {
        self.content.editable.as_ref().copied()
    }

    /// Returns whether the authenticator cannot read the section at all, so that none of its entries has an effect.
    pub fn is_unreadable(&self) -> bool {
        self.content.entries.is_empty() && !self.content.problems.is_empty()
    }

    /// Returns the type of its first document; `None` if it is empty, or neither YAML nor JSON.
    pub fn shape(&self) -> Option<Shape> {
        self.content.shape
    }

    /// Returns the start of a second YAML document, which the authenticator never reads.
    pub(crate) fn second_document(&self) -> Option<usize> {
        self.content.second_document
    }

    /// Returns the position of the list; `None` if there is none.
    pub(super) fn list(&self) -> Option<List> {
        self.content.list
    }

    /// Returns the span that a new list replaces: the current list, a null that is written explicitly, or a pair of quotes or
    /// backticks.
    pub(super) fn placeholder(&self) -> Option<Span> {
        let text = self.text()?;
        let trimmed = text.trim();
        if matches!(trimmed, "``" | "\"\"" | "''") {
            let start = text.len() - text.trim_start().len();
            return Some(Span::new(start, start + trimmed.len()));
        }
        self.content
            .list
            .map(|list| list.span)
            .or(self.content.null)
    }

    /// Returns where to insert a list if there is no [`Self::placeholder`]: the end of the document.
    pub(super) fn list_place(&self) -> usize {
        self.content.document_end
    }
}
