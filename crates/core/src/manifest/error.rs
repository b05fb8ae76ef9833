//! Errors of reading and changing manifests.

use thiserror::Error;

use goyaml::edit::Unwritable;

/// Why a manifest cannot be read or changed. Lines are those of the file, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The file, or one document of it, is neither YAML nor JSON.
    #[error("line {line}: not {format}: {problem}{}", place(*document))]
    Syntax {
        line: usize,
        /// `YAML` or `JSON`
        format: &'static str,
        problem: String,
        /// The number of the document in the stream, from 0.
        document: usize,
        /// The most likely cause.
        cause: Cause,
    },
    /// The file has no ConfigMap named aws-auth in kube-system.
    #[error("no ConfigMap aws-auth in namespace kube-system: {found}")]
    NotFound {
        /// What the file has instead.
        found: String,
        hint: String,
    },
    /// The file has sections without the ConfigMap around them.
    #[error("line {line}: {what}, with no ConfigMap around it")]
    Bare {
        /// The line where it starts.
        line: usize,
        /// What it has.
        what: String,
    },
    /// The file has the ConfigMap more than once.
    #[error("line {second}: a second ConfigMap named aws-auth; the first is at line {first}")]
    Twice {
        /// The line where the first one starts.
        first: usize,
        /// The line where the second one starts.
        second: usize,
    },
    /// A value of `data` that is not text.
    #[error("line {line}: data.{key} is {what}, not text")]
    NotText {
        /// The line where the value starts.
        line: usize,
        /// The key in `data`.
        key: String,
        /// What it is.
        what: &'static str,
        /// Whether a `|` after its key would turn it into text.
        fits_literal_block: bool,
    },
    /// A value is not a mapping or text, as it must be.
    #[error("line {line}: {path} is {what}, not {expected}")]
    WrongKind {
        /// The line where it starts.
        line: usize,
        /// `data`, `metadata` and the like.
        path: &'static str,
        /// What it is.
        what: &'static str,
        /// What it should be.
        expected: &'static str,
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
    /// A place that must change has an anchor, alias, merge key or tag.
    #[error("line {line}: {path} has {what}, which awsauth does not change")]
    Indirect {
        line: usize,
        /// `data.mapRoles` and the like.
        path: String,
        /// What makes it so, such as `the alias *x`.
        what: String,
    },
    /// A change that cannot be written in the style of the file.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// A bug in awsauth: the new text does not read as intended and must not be written.
    #[error("the changed manifest would not read as intended: {0}")]
    Bug(String),
}

/// The most likely cause of a syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Template text, such as Helm's `{{ … }}`.
    Template {
        /// The line of the template.
        line: usize,
    },
    /// The text under `mapRoles: |` is not indented deeper than its key.
    NotIndented {
        key: String,
        /// The line of the key.
        line: usize,
    },
    /// Lines above or below the manifest are not part of it, such as prose.
    Stray {
        line: usize,
        /// The last of these lines.
        last: usize,
    },
    /// The file is a script or a page with a manifest in these lines.
    Embedded { line: usize, last: usize },
    /// The file has no part of a manifest.
    NoManifest,
    /// This change of a line makes the file valid.
    Edit {
        line: usize,
        /// The instruction, which begins with a verb.
        help: String,
    },
    /// No cause was found.
    Unknown,
}

impl ManifestError {
    /// Returns the line of the file.
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

    /// Returns what the user can do about it.
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
            Self::Syntax {
                cause: Cause::Stray { line, last },
                ..
            } if line == last => format!("remove line {line}: it is not part of the manifest"),
            Self::Syntax {
                cause: Cause::Stray { line, last },
                ..
            } => format!("remove lines {line} to {last}: they are not part of the manifest"),
            Self::Syntax {
                cause: Cause::Embedded { line, last },
                ..
            } => format!(
                "lint only the manifest, lines {line} to {last}: sed -n '{line},{last}p' FILE | awsauth lint -"
            ),
            Self::Syntax {
                cause: Cause::NoManifest,
                ..
            } => format!("this is not a manifest: {PASS_THE_FILE}"),
            Self::Syntax {
                cause: Cause::Edit { help, .. },
                ..
            } => help.clone(),
            Self::Syntax { line, .. } => format!("fix line {line} or the one before it"),
            Self::NotFound { hint, .. } => hint.clone(),
            Self::Bare { .. } => {
                format!("wrap it as `{HEAD}`, or apply it with `awsauth apply -f FILE`")
            }
            Self::Twice { .. } => "keep one of them, or split the file".to_owned(),
            Self::NotText {
                key,
                fits_literal_block: true,
                ..
            } => {
                format!("put `|` after `{key}:` and indent the lines below it deeper than `{key}`")
            }
            Self::NotText {
                what: "a list" | "a mapping",
                ..
            } => "write it as text".to_owned(),
            Self::NotText { .. } => "put it in quotes".to_owned(),
            Self::WrongKind { path, expected, .. } => format!("make {path} {expected}"),
            Self::Duplicate { path, .. } if !path.contains('.') => {
                "keep one of them, or put `---` between two objects".to_owned()
            }
            Self::Duplicate { .. } => "keep one of them".to_owned(),
            Self::Indirect { what, .. } if what.starts_with("the anchor") => {
                "kubectl accepts it, but awsauth reads such a value only without an anchor: remove it"
                    .to_owned()
            }
            Self::Indirect { .. } => "write it out as plain `key: value`".to_owned(),
            Self::Unwritable(unwritable) => unwritable.remedy.to_owned(),
            Self::Bug(_) => return None,
        })
    }
}

/// The start of the ConfigMap to put around bare sections.
pub(super) const HEAD: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: …}";

/// Advice for a file without a manifest.
pub(super) const PASS_THE_FILE: &str = "pass the file that contains it; `kubectl -n kube-system get configmap aws-auth -o yaml` shows the live one";

fn place(document: usize) -> String {
    if document == 0 {
        String::new()
    } else {
        format!(" (document {} of the stream)", document + 1)
    }
}
