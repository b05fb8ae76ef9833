//! Why a request failed, in one line for the log and `/readyz`, with what helps where that is known.

use awsauth_core::error_chain;
use kube::Error;
use kube::runtime::watcher;
use kube_lease_manager::LeaseManagerError;

/// Of any request. kube's own words hold the whole answer as Rust prints it.
pub(crate) fn why(error: &Error) -> String {
    let Error::Api(status) = error else {
        return error_chain::text(error);
    };
    // RBAC's refusal, unlike that of an admission policy, begins so: <https://github.com/kubernetes/apiserver/blob/v0.35.0/pkg/endpoints/handlers/responsewriters/errors.go>
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

/// Of a watch.
pub(crate) fn why_no_watch(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => why(error),
        other => error_chain::text(other),
    }
}

/// Of one about the Lease.
pub(crate) fn why_no_lease(error: &LeaseManagerError) -> String {
    match error {
        LeaseManagerError::KubeError(error) => why(error),
        other => error_chain::text(other),
    }
}
