//! What sort of failure it is, which decides the exit code.

/// Sorts every failure of this module by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The flags or the kubeconfig can't be used as they are.
    Input,
    /// The API server can't be reached, or doesn't answer as one.
    Unreachable,
    /// The API server answers, but not to this caller; or the caller couldn't get credentials.
    Denied,
    /// The object can't take the change. Nothing was written.
    Refused,
    /// The object kept changing. Nothing was written.
    Conflict,
    /// The caller was interrupted.
    Interrupted,
}
