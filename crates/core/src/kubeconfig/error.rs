//! Errors of reading and changing a kubeconfig.

use thiserror::Error;

use goyaml::edit::Unwritable;
use goyaml::edit::obstacle::Obstacle;

/// Why a kubeconfig cannot be read or changed. Lines are those of the file, from 1. Messages do not quote anything that
/// could be a credential.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KubeconfigError {
    /// It is not YAML. kubectl reads JSON as YAML, too.
    #[error("line {line}: not YAML: {problem}")]
    Syntax { line: usize, problem: String },
    /// It has more than one document. kubectl reads only the first one.
    #[error("line {line}: a second document begins here; kubectl does not read it")]
    Several {
        /// The start of the second document.
        line: usize,
    },
    /// It is YAML, but not a kubeconfig.
    #[error("line {line}: not a kubeconfig: {what}")]
    NotAKubeconfig {
        line: usize,
        /// What it is instead.
        what: String,
    },
    /// A value does not have the type that kubectl expects.
    #[error("line {line}: {path} is {what}, not {desired}")]
    WrongKind {
        line: usize,
        /// `clusters` and the like.
        path: String,
        what: &'static str,
        /// What it should be.
        desired: &'static str,
    },
    /// A mapping has a key twice.
    #[error("line {line}: {path} is repeated; the first one is at line {first}")]
    Duplicate {
        /// The line of the second one.
        line: usize,
        path: String,
        /// The line of the first one.
        first: usize,
    },
    /// Two entries of a list have the same name. kubectl rejects such a file.
    #[error("line {line}: {path} has {name:?} twice; the first one is at line {first}")]
    DuplicateName {
        /// The line of the second one.
        line: usize,
        /// `clusters` and the like.
        path: String,
        name: String,
        /// The line of the first one.
        first: usize,
    },
    /// A place that must change has an anchor, alias, merge key or tag.
    #[error("line {line}: {path} has {what}, which awsauth does not change")]
    Indirect {
        line: usize,
        /// `clusters` and the like.
        path: String,
        /// What makes it so, such as `the alias *x`.
        what: String,
    },
    /// A change that cannot be written in the style of the file.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// The user entry has a credential that would be lost.
    #[error("line {line}: the user {user:?} signs in with {field}, which would be lost")]
    OtherCredential {
        line: usize,
        user: String,
        field: &'static str,
    },
    /// A bug in awsauth: the new text does not read as intended and must not be written.
    #[error("the changed kubeconfig would not read as intended: {0}")]
    Bug(String),
}

impl KubeconfigError {
    pub(super) fn of(obstacle: Obstacle, path: &str, desired: &'static str) -> Self {
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
                desired,
            },
        }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { line, .. } => {
                format!(
                    "fix line {line} or the one before it, or name another file with --kubeconfig FILE"
                )
            }
            Self::Several { .. } => {
                "split the documents into separate files; KUBECONFIG accepts a list of files"
                    .to_owned()
            }
            Self::NotAKubeconfig { .. } => "name another file with --kubeconfig FILE".to_owned(),
            Self::WrongKind { path, desired, .. } => format!("make {path} {desired}"),
            Self::Duplicate { .. } => "keep one of them".to_owned(),
            Self::DuplicateName { .. } => {
                "remove or rename one of them; kubectl rejects the file as it is".to_owned()
            }
            Self::Indirect { .. } => "write it out as plain `key: value`".to_owned(),
            Self::Unwritable(unwritable) => unwritable.remedy.to_owned(),
            Self::OtherCredential { .. } => {
                "choose another name with --user-alias NAME, or remove that field from the file"
                    .to_owned()
            }
            Self::Bug(_) => return None,
        })
    }
}
