use thiserror::Error;

use crate::written::Unwritable;
use crate::written::direct::Obstacle;

/// Why a kubeconfig cannot be read or changed. Lines count in the file, from 1. Nothing of what a file says is repeated
/// here that could be a credential.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KubeconfigError {
    /// It is not YAML, as which kubectl reads JSON too.
    #[error("line {line}: not YAML: {problem}")]
    Syntax {
        /// Where the reader gave up.
        line: usize,
        /// What the reader says.
        problem: String,
    },
    /// It holds more than one document, of which kubectl reads the first.
    #[error("line {line}: a second document begins here, which kubectl does not read")]
    Several {
        /// Where the second starts.
        line: usize,
    },
    /// It is something else.
    #[error("line {line}: not a kubeconfig: {what}")]
    NotAKubeconfig {
        /// Where that can be seen.
        line: usize,
        /// What it is.
        what: String,
    },
    /// A value is of another kind than kubectl takes there.
    #[error("line {line}: {path} is {what}, not {wanted}")]
    WrongKind {
        /// Where it starts.
        line: usize,
        /// `clusters` and the like.
        path: String,
        /// What it is.
        what: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A key stands twice in one mapping.
    #[error("line {line}: {path} stands here a second time; the first is at line {first}")]
    Duplicate {
        /// Where the second stands.
        line: usize,
        /// The key.
        path: String,
        /// Where the first stands.
        first: usize,
    },
    /// Two entries of one list have the same name, for which kubectl refuses the file.
    #[error("line {line}: {path} has {name:?} a second time; the first is at line {first}")]
    TwoOfAName {
        /// Where the second starts.
        line: usize,
        /// `clusters` and the like.
        path: String,
        /// Their name.
        name: String,
        /// Where the first starts.
        first: usize,
    },
    /// An anchor, alias, merge key or tag in a place that is to be changed.
    #[error("line {line}: {path} has {what}, which awsauth does not change")]
    Indirect {
        /// Where it stands.
        line: usize,
        /// `clusters` and the like.
        path: String,
        /// `the alias *x` and the like.
        what: String,
    },
    /// A change that cannot be written in the style of the file.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// The user entry holds a credential that would be lost.
    #[error("line {line}: the user {user:?} signs in with {field}, which would be lost")]
    OtherCredential {
        /// Where it stands.
        line: usize,
        /// The entry's name.
        user: String,
        /// The field that holds it.
        field: &'static str,
    },
    /// The new text does not say what it was meant to say. Nothing of it may be written.
    #[error("the changed kubeconfig would not read as intended: {0}")]
    Bug(String),
}

impl KubeconfigError {
    pub(super) fn of(obstacle: Obstacle, path: &str, wanted: &'static str) -> Self {
        let path = if path.is_empty() { "the file" } else { path };
        match obstacle {
            Obstacle::Indirect { line, what } => Self::Indirect {
                line,
                path: path.to_owned(),
                what,
            },
            Obstacle::Duplicate { line, key, first } => Self::Duplicate {
                line,
                path: key,
                first,
            },
            Obstacle::WrongKind { line, what } => Self::WrongKind {
                line,
                path: path.to_owned(),
                what,
                wanted,
            },
        }
    }

    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { line, .. } => {
                format!(
                    "mend line {line} or the one before it, or name another file with --kubeconfig FILE"
                )
            }
            Self::Several { .. } => {
                "put the documents into files of their own; KUBECONFIG takes a list of files"
                    .to_owned()
            }
            Self::NotAKubeconfig { .. } => "name another file with --kubeconfig FILE".to_owned(),
            Self::WrongKind { path, wanted, .. } => format!("make {path} {wanted}"),
            Self::Duplicate { .. } => "keep one of them".to_owned(),
            Self::TwoOfAName { .. } => {
                "keep one of them, or give one another name; kubectl refuses the file as it is"
                    .to_owned()
            }
            Self::Indirect { .. } => "write it out as plain `key: value`".to_owned(),
            Self::Unwritable(unwritable) => unwritable.remedy.to_owned(),
            Self::OtherCredential { .. } => {
                "choose another name with --user-alias NAME, or take that field out of the file"
                    .to_owned()
            }
            Self::Bug(_) => return None,
        })
    }
}
