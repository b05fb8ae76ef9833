//! Answers of the API server as facts for guards: [`Known`] or the permission that is missing.

use crate::request_error::{Fault, RequestError};
use awsauth_core::plan::{Admins, Known};

/// The subjects bound to `cluster-admin`.
pub fn known_admins(admins: Result<Admins, RequestError>) -> Known<Admins> {
    match admins {
        Ok(admins) => Known::Is(admins),
        Err(error) => unknown(&error, "list clusterrolebindings"),
    }
}

/// A fact that is unknown because a request failed; `permission` completes "permission to …".
pub fn unknown<T>(error: &RequestError, permission: &str) -> Known<T> {
    let needs = match &error.fault {
        Fault::Forbidden(_) => format!("permission to {permission}"),
        // Some answer with a page.
        Fault::Server(status, ..) => {
            format!("an answer when asked to {permission} (the API server failed with {status})")
        }
        fault => {
            let said = fault.to_string();
            let line = said.lines().next().unwrap_or_default();
            format!("an answer when asked to {permission} ({line})")
        }
    };
    Known::Unknown { needs }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::target::Target;

    #[test]
    fn a_page_is_told_by_its_status() {
        let page = "<html>\n<body>Not Implemented</body>\n</html>".to_owned();
        let error = RequestError {
            fault: Fault::Server(501, page, None),
            target: Arc::new(Target::default()),
            verb: "create",
        };
        let Known::<()>::Unknown { needs } = unknown(&error, "create x") else {
            panic!("it is known");
        };
        assert_eq!(
            needs,
            "an answer when asked to create x (the API server failed with 501)"
        );
    }
}
