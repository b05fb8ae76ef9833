//! Describes failed requests in one line, for the log and `/readyz`, with a hint if there is one.

use awsauth_core::error_chain;
use kube::Error;
use kube::runtime::watcher;

/// Describes any error of kube, whose own text contains the whole response in Rust's debug format.
pub(crate) fn describe(error: &Error) -> String {
    let Error::Api(status) = error else {
        return error_chain::text(error);
    };
    // Only RBAC's refusals contain this text; those of admission policies do not: <https://github.com/kubernetes/apiserver/blob/v0.35.0/pkg/endpoints/handlers/responsewriters/errors.go>
    let is_rbac = status.code == 403 && status.message.contains(" is forbidden: User ");
    match is_rbac {
        true => format!(
            "{}; apply the RBAC of this version's manifests again",
            status.message
        ),
        false if status.message.is_empty() => format!("HTTP {}", status.code),
        false => status.message.clone(),
    }
}

/// Describes an error of a watch.
pub(crate) fn describe_watch_error(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => describe(error),
        other => error_chain::text(other),
    }
}
