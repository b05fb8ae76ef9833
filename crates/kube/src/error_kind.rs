//! Kinds of failures, which decide the exit code.

/// A kind of failure, by what the user can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The flags or the kubeconfig are invalid.
    Input,
    /// The API server is unreachable, or the response is not an API server's.
    Unreachable,
    /// The API server denies access, or there are no credentials.
    Denied,
    /// The change is not possible. Nothing was written.
    Refused,
    /// Other clients kept changing the object. Nothing was written.
    Conflict,
    /// The run was interrupted.
    Interrupted,
}
