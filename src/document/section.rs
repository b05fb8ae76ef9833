use std::sync::Arc;

use super::read::{List, Reading, read};
use super::{Entry, Shape, Span};

/// One of the three keys of `data` that the authenticator recognises, exact in case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SectionName {
    /// `mapRoles`
    Roles,
    /// `mapUsers`
    Users,
    /// `mapAccounts`
    Accounts,
}

impl SectionName {
    /// All three, in the order the tool prints them.
    pub const ALL: [Self; 3] = [Self::Roles, Self::Users, Self::Accounts];

    /// The key in the ConfigMap's `data`.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Roles => "mapRoles",
            Self::Users => "mapUsers",
            Self::Accounts => "mapAccounts",
        }
    }
}

/// The text of one section and what the authenticator makes of it.
#[derive(Clone, Debug)]
pub struct Section {
    name: SectionName,
    text: Option<Arc<str>>,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    editable: Result<(), NotEditable>,
    list: Option<List>,
    null: Option<Span>,
    document_end: usize,
    shape: Option<Shape>,
    second_document: Option<usize>,
}

impl Section {
    /// Reads a section's text; `None` is an absent key.
    pub fn read(name: SectionName, text: Option<impl Into<Arc<str>>>) -> Self {
        let text: Option<Arc<str>> = text.map(Into::into);
        let reading = text
            .as_deref()
            .map_or_else(Reading::empty, |text| read(name, text));
        let Reading {
            entries,
            problems,
            editable,
            list,
            null,
            document_end,
            shape,
            second_document,
        } = reading;
        Self {
            name,
            text,
            entries,
            problems,
            editable,
            list,
            null,
            document_end,
            shape,
            second_document,
        }
    }

    /// Which section it is.
    pub fn name(&self) -> SectionName {
        self.name
    }

    /// Its text as written; `None` when the key is absent.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The same, to be kept without a copy.
    pub fn shared_text(&self) -> Option<Arc<str>> {
        self.text.clone()
    }

    /// Every list item as written, in document order, those the authenticator drops included.
    /// Empty when the section as a whole cannot be read.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the authenticator logs as errors, in its order and words.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether edits may change the text, and if not, where and why.
    pub fn editable(&self) -> Result<(), &NotEditable> {
        self.editable.as_ref().copied()
    }

    /// Whether the authenticator can make nothing of the section as a whole, so that none of its entries is in force.
    pub fn is_unreadable(&self) -> bool {
        self.entries.is_empty() && !self.problems.is_empty()
    }

    /// What its first document is; `None` when it holds none, and when it is neither YAML nor JSON.
    pub fn shape(&self) -> Option<Shape> {
        self.shape
    }

    /// Where a second YAML document begins, which the authenticator never reads.
    pub fn second_document(&self) -> Option<usize> {
        self.second_document
    }

    /// The list that the section is; `None` when there is none yet.
    pub(super) fn list(&self) -> Option<List> {
        self.list
    }

    /// What stands where the list would, such as `[]`, `null` or a pair of quotes.
    pub(super) fn placeholder(&self) -> Option<Span> {
        let text = self.text()?;
        let trimmed = text.trim();
        if matches!(trimmed, "``" | "\"\"" | "''") {
            let start = text.len() - text.trim_start().len();
            return Some(Span::new(start, start + trimmed.len()));
        }
        self.list.map(|list| list.span).or(self.null)
    }

    /// Where a list would begin when nothing stands in its place: at the end of the document.
    pub(super) fn list_place(&self) -> usize {
        self.document_end
    }
}

/// An error the authenticator logs while reading a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line in the section's own text, from 1.
    pub line: usize,
    /// The authenticator's own words.
    pub message: String,
}

/// Why a section's text is not edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEditable {
    /// Line in the section's own text, from 1.
    pub line: usize,
    /// Where in the text the reason stands.
    pub span: Span,
    /// The reason, such as "a merge key" or the syntax error; a fragment.
    pub reason: String,
}
