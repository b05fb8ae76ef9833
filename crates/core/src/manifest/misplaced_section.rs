//! Sections of aws-auth in other objects.

use std::ops::Range;

/// An object that has a section of aws-auth but is not aws-auth, or may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisplacedSection {
    /// A description of the object.
    pub what: String,
    /// Why it is not aws-auth.
    pub misplacement: Misplacement,
    /// The bytes of the file that show it.
    pub span: Range<usize>,
}

/// Why an object is not aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misplacement {
    /// It has no kind.
    NoKind {
        /// Whether it has an apiVersion.
        has_api_version: bool,
        /// The key that was probably intended as `kind`.
        misspelled: Option<String>,
    },
    /// It is not a `v1` ConfigMap.
    Kind,
    /// It has another name, or none.
    Name,
    /// It is in another namespace.
    Namespace,
    /// It does not name a namespace. It is aws-auth only if it is applied to kube-system.
    NoNamespace,
    /// The sections are here, such as `in metadata`, not in `data`.
    Place(String),
    /// kustomize gives it this name.
    GeneratedName(String),
}
