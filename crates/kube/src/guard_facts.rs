//! Converts responses of the API server to facts for guards: [`Known`], or the missing permission.

use crate::request_error::{Fault, RequestError};
use awsauth_core::plan::{Admins, Known};

/// Returns the subjects bound to `cluster-admin`.
pub fn known_admins(admins: Result<Admins, RequestError>) -> Known<Admins> {
    match admins {
        Ok(admins) => Known::Is(admins),
        Err(error) => unknown(&error, "list clusterrolebindings"),
    }
}

/// Returns a fact that is unknown because a request failed. `permission` completes "permission to …".
pub fn unknown<T>(error: &RequestError, permission: &str) -> Known<T> {
    let needs = match &error.fault {
        Fault::Forbidden(_) => format!("permission to {permission}"),
        // The message may be a whole HTML page.
        Fault::Server(status, ..) => {
            format!("a response when asked to {permission} (the API server failed with {status})")
        }
        fault => {
            let message = fault.to_string();
            let line = message.lines().next().unwrap_or_default();
            format!("a response when asked to {permission} ({line})")
        }
    };
    Known::Unknown { needs }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::connection_target::Target;

    #[test]
    fn an_html_error_page_is_shown_as_its_status() {
        let page = "<html>\n<body>Not Implemented</body>\n</html>".to_owned();
        let error = RequestError {
            fault: Fault::Server(501, page, None),
            target: Arc::new(Target::default()),
            verb: "create",
        };
        let Known::<()>::Unknown { needs } = unknown(&error, "create x") else {
            panic!("the fact is unknown");
        };
        assert_eq!(
            needs,
            "a response when asked to create x (the API server failed with 501)"
        );
    }
}
