//! The name that the program was called by.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

/// The address of the project's repository, from the package's `repository`; `None` until it is known.
pub(crate) const REPOSITORY: Option<&str> = {
    let address = env!("CARGO_PKG_REPOSITORY");
    if address.is_empty() {
        None
    } else {
        Some(address)
    }
};

/// Returns the request to report a bug.
pub(super) fn report_request() -> String {
    match REPOSITORY {
        Some(address) => format!("Please report it: {address}/issues"),
        None => "Please report it, with this message and the output of awsauth version".to_owned(),
    }
}

/// The name that the program was called by, which messages use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Called as `awsauth` or any other name.
    Awsauth,
    /// Called as `kubectl-awsauth`, the name of a kubectl plugin.
    KubectlPlugin,
}

impl Program {
    /// Determines the name from the first argument of the process.
    pub(crate) fn called_as(first_argument: Option<&OsStr>) -> Self {
        let stem = first_argument.map(Path::new).and_then(Path::file_stem);
        match stem.and_then(OsStr::to_str) {
            Some("kubectl-awsauth") => Self::KubectlPlugin,
            _ => Self::Awsauth,
        }
    }

    /// Returns the command that the user types.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Awsauth => "awsauth",
            Self::KubectlPlugin => "kubectl awsauth",
        }
    }

    /// Replaces `awsauth COMMAND …` in a message by the command that the user types.
    pub(crate) fn speak(self, message: &str) -> Cow<'_, str> {
        const COMMANDS: [&str; 29] = [
            "apply",
            "backup",
            "completion",
            "controller",
            "crd",
            "credentials",
            "diff",
            "doctor",
            "edit",
            "expire",
            "explain",
            "fleet",
            "get",
            "history",
            "kubeconfig",
            "lint",
            "map",
            "migrate",
            "nodes",
            "replace-group",
            "report",
            "rescue",
            "restore",
            "undo",
            "unmap",
            "unused",
            "verify",
            "who-can",
            "whoami",
        ];
        let mut spoken = Cow::Borrowed(message);
        if self == Self::KubectlPlugin {
            for command in COMMANDS {
                spoken = spoken
                    .replace(
                        &format!("awsauth {command}"),
                        &format!("kubectl awsauth {command}"),
                    )
                    .into();
            }
        }
        spoken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_plugin_is_recognized_by_its_file_name() {
        for plugin in [
            "kubectl-awsauth",
            "/opt/bin/kubectl-awsauth",
            "kubectl-awsauth.exe",
        ] {
            assert_eq!(
                Program::called_as(Some(plugin.as_ref())),
                Program::KubectlPlugin,
                "{plugin}"
            );
        }
        for own in ["awsauth", "/kubectl-awsauth/awsauth", "kubectl-awsauth-2"] {
            assert_eq!(
                Program::called_as(Some(own.as_ref())),
                Program::Awsauth,
                "{own}"
            );
        }
        assert_eq!(Program::called_as(None), Program::Awsauth);
    }

    #[test]
    fn message_commands_match_the_called_name() {
        let message = "see awsauth get, not aws-auth; awsauth.dev/owners; see the awsauth command";
        assert_eq!(Program::Awsauth.speak(message), message);
        assert_eq!(
            Program::KubectlPlugin.speak(message),
            "see kubectl awsauth get, not aws-auth; awsauth.dev/owners; see the awsauth command"
        );
    }
}
