use thiserror::Error;

use crate::written::Unwritable;

/// Why a manifest cannot be read or changed. Lines count in the file, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The file, or one document of it, is neither YAML nor JSON.
    #[error("line {line}: not {format}: {problem}{}", place(*document))]
    Syntax {
        /// Where the reader gave up.
        line: usize,
        /// `YAML` or `JSON`
        format: &'static str,
        /// What the reader says.
        problem: String,
        /// The document of the stream, from 0.
        document: usize,
        /// What it most likely comes from.
        cause: Cause,
    },
    /// No ConfigMap named aws-auth in kube-system stands in the file.
    #[error("no ConfigMap named aws-auth of namespace kube-system in it: {found}")]
    NotFound {
        /// What the file holds instead.
        found: String,
        /// What to do about it.
        hint: String,
    },
    /// Sections stand in the file by themselves, without the ConfigMap around them.
    #[error("line {line}: {what}, with no ConfigMap around it")]
    Bare {
        /// Where it starts.
        line: usize,
        /// What stands there.
        what: String,
    },
    /// The ConfigMap stands in the file more than once.
    #[error("line {second}: a second ConfigMap named aws-auth; the first is at line {first}")]
    Twice {
        /// Where the first starts.
        first: usize,
        /// Where the second starts.
        second: usize,
    },
    /// A value of `data` that is not text.
    #[error("line {line}: data.{key} is {what}, not text")]
    NotText {
        /// Where the value starts.
        line: usize,
        /// The key in `data`.
        key: String,
        /// What it is.
        what: &'static str,
        /// Whether a `|` behind its key makes the text of it that stands there.
        takes_bar: bool,
    },
    /// Something that has to be a mapping is none, or text that is none.
    #[error("line {line}: {path} is {what}, not {wanted}")]
    WrongKind {
        /// Where it starts.
        line: usize,
        /// `data`, `metadata` and the like.
        path: &'static str,
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
    /// An anchor, alias, merge key or tag in a place that is to be changed.
    #[error("line {line}: {path} has {what}, which awsauth does not change")]
    Indirect {
        /// Where it stands.
        line: usize,
        /// `data.mapRoles` and the like.
        path: String,
        /// `the alias *x` and the like.
        what: String,
    },
    /// A change that cannot be written in the style of the file.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// The new text does not say what it was meant to say. Nothing of it may be written.
    #[error("the changed manifest would not read as intended: {0}")]
    Bug(String),
}

/// What a syntax error most likely comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Template text, such as Helm's `{{ … }}`, at this line.
    Template {
        /// Where.
        line: usize,
    },
    /// The text under `mapRoles: |` is not indented deeper than its key.
    NotIndented {
        /// The key.
        key: String,
        /// Where the key stands.
        line: usize,
    },
    /// Nothing that can be told.
    Unknown,
}

impl ManifestError {
    /// The line in the file that it is about.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Syntax { line, .. }
            | Self::Bare { line, .. }
            | Self::Twice { second: line, .. }
            | Self::NotText { line, .. }
            | Self::WrongKind { line, .. }
            | Self::Duplicate { line, .. }
            | Self::Indirect { line, .. }
            | Self::Unwritable(Unwritable { line, .. }) => Some(*line),
            Self::NotFound { .. } | Self::Bug(_) => None,
        }
    }

    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax {
                cause: Cause::Template { line },
                ..
            } => format!(
                "line {line} is template text: `helm template RELEASE CHART > rendered.yaml` shows what it becomes; change aws-auth in the template itself"
            ),
            Self::Syntax {
                cause: Cause::NotIndented { key, line },
                ..
            } => {
                format!("indent the text below `{key}: |` (line {line}) deeper than `{key}` itself")
            }
            Self::Syntax { line, .. } => format!("mend line {line} or the one before it"),
            Self::NotFound { hint, .. } => hint.clone(),
            Self::Bare { .. } => {
                format!("wrap it as `{HEAD}`, or apply it with `awsauth apply -f FILE`")
            }
            Self::Twice { .. } => "keep one of them, or split the file".to_owned(),
            Self::NotText {
                key,
                takes_bar: true,
                ..
            } => {
                format!("put `|` behind `{key}:` and indent the lines below it deeper than `{key}`")
            }
            Self::NotText {
                what: "a list" | "a mapping",
                ..
            } => "write it as text".to_owned(),
            Self::NotText { .. } => "put it in quotes".to_owned(),
            Self::WrongKind { path, wanted, .. } => format!("make {path} {wanted}"),
            Self::Duplicate { path, .. } if !path.contains('.') => {
                "keep one of them, or put `---` between two objects".to_owned()
            }
            Self::Duplicate { .. } => "keep one of them".to_owned(),
            Self::Indirect { .. } => "write it out as plain `key: value`".to_owned(),
            Self::Unwritable(unwritable) => unwritable.remedy.to_owned(),
            Self::Bug(_) => return None,
        })
    }
}

/// The beginning of the ConfigMap, to put around bare sections.
pub(super) const HEAD: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: …}";

fn place(document: usize) -> String {
    if document == 0 {
        String::new()
    } else {
        format!(" (document {} of the stream)", document + 1)
    }
}
