//! Edits are data, and one function applies a batch of them.
//!
//! An edit names the bytes that it changes; every other byte comes out as it went in. The result is read again, and
//! unless exactly the intended mappings changed, the batch fails and nothing is to be written.

mod block;
mod change;
mod flow;
mod lines;
mod model;
mod render;
mod spell;
mod splice;
mod start;
mod template;
mod verify;

use super::{Document, Entry, Principal, Section, SectionName};
use model::Model;

/// One thing to do to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Add the mapping, or change the entry in force so that it says this.
    ///
    /// In force is the last of several with the same ARN, compared as the authenticator compares. Users that differ
    /// in letter case only are all in force, and are made equal. Only fields that differ are written.
    Map {
        /// Whom to admit.
        principal: Principal,
        /// As whom; `None` keeps the username that is there.
        username: Option<String>,
        /// With which groups.
        groups: Groups,
    },
    /// Remove every entry whose ARN equals this one as written or in canonical form.
    Unmap {
        /// Whom no longer to admit.
        principal: Principal,
        /// Remove only the entry that starts at this line of the section's text, from 1.
        only_line: Option<usize>,
    },
}

/// What to do about groups. Their order and repetitions do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// Leave them; a new entry has none.
    Keep,
    /// Have exactly these.
    Set(Vec<String>),
    /// Have these besides, and those not.
    Adjust {
        /// To have.
        add: Vec<String>,
        /// Not to have.
        remove: Vec<String>,
    },
}

/// What one edit came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new entry.
    Added,
    /// The entry that started at this line, before the batch, says something else now.
    Changed {
        /// Line in the section's text before the batch, from 1; `None` for an entry that the batch itself added.
        line: Option<usize>,
    },
    /// It was so already.
    Unchanged,
    /// Entries went.
    Removed {
        /// Their lines in the section's text before the batch, from 1; without those that the batch itself added.
        lines: Vec<usize>,
    },
    /// There was nothing to remove.
    Absent,
}

/// A document after a batch of edits.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The result, read again.
    pub document: Document,
    /// What each edit came to, in the order of the batch.
    pub outcomes: Vec<Outcome>,
}

/// Why a batch changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The section's text is not edited.
    #[error("{key} is not edited: line {line}: {reason}", key = section.key())]
    NotEditable {
        /// Which section.
        section: SectionName,
        /// Line in its text, from 1.
        line: usize,
        /// The reason, a fragment.
        reason: String,
        /// That line, when the authenticator can make nothing of the section as a whole.
        unreadable: Option<String>,
    },
    /// The entry itself is not changed, though others beside it may be.
    #[error("the entry at line {line} of {key} is not changed: {reason}", key = section.key())]
    OddEntry {
        /// Which section.
        section: SectionName,
        /// Line in its text, from 1.
        line: usize,
        /// The reason, a fragment.
        reason: &'static str,
    },
    /// A new entry without a username would admit a user without a name.
    #[error("a new mapping needs a username")]
    NeedsUsername {
        /// Whose mapping.
        principal: Principal,
    },
    /// The authenticator would drop such an entry, or never find it.
    #[error("such a mapping would admit nobody: {reason}")]
    Invalid {
        /// Whose mapping.
        principal: Principal,
        /// The authenticator's words, or ours where it has none.
        reason: String,
    },
    /// The ARN stands in the other list.
    #[error("{arn} stands in {key} already", key = section.key())]
    OtherList {
        /// The ARN.
        arn: String,
        /// The other list.
        section: SectionName,
        /// Its line there, from 1; `None` when an edit of the same batch put it there.
        line: Option<usize>,
    },
    /// No entry of this principal starts at the line.
    #[error("no such entry starts at line {line} of {key}", key = section.key())]
    NoSuchLine {
        /// Which section.
        section: SectionName,
        /// The line that was named.
        line: usize,
    },
    /// Our own mistake: the result does not say what it should.
    #[error("the edited {key} does not read as intended: {detail}", key = section.key())]
    Bug {
        /// Which section.
        section: SectionName,
        /// What differs.
        detail: String,
    },
}

/// Why no edit can change what this entry of a section says; `None` where one can. A fragment.
pub fn why_not_changed(section: &Section, entry: &Entry) -> Option<&'static str> {
    change::changeable(section.text().unwrap_or_default(), entry).err()
}

/// Applies a batch, which means the same as its edits one by one. Takes time linear in the text and the batch, where an
/// edit of users counts once for each that differs in letter case only.
///
/// # Errors
/// Nothing is changed then.
pub fn apply(document: &Document, edits: &[Edit]) -> Result<Edited, EditError> {
    let mut model = Model::new(document);
    let outcomes = edits
        .iter()
        .map(|edit| model.apply(edit))
        .collect::<Result<_, _>>()?;
    model.forget_index();
    let mut edited = document.clone();
    for section in model.changed_sections() {
        let name = section.section.name();
        edited = edited.with(name, Some(render::section(section)?));
        verify::verify(section, edited.section(name))?;
    }
    Ok(Edited {
        document: edited,
        outcomes,
    })
}

impl Edit {
    /// Whom it is about.
    pub fn principal(&self) -> &Principal {
        match self {
            Self::Map { principal, .. } | Self::Unmap { principal, .. } => principal,
        }
    }
}

impl Principal {
    /// The section that its entries stand in.
    pub fn section(&self) -> SectionName {
        match self {
            Self::Role(_) | Self::Sso(_) => SectionName::Roles,
            Self::User(_) => SectionName::Users,
            Self::Account(_) => SectionName::Accounts,
        }
    }
}
