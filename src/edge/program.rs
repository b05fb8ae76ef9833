use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

/// Where to report a bug.
pub(super) const BUGS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");

/// The name under which the program was called, and by which it speaks of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Called by its own name, or any other.
    Awsauth,
    /// Called as `kubectl-awsauth`, which is how kubectl runs its plugins.
    KubectlPlugin,
}

impl Program {
    /// Reads the first argument of the process.
    pub(crate) fn called_as(first_argument: Option<&OsStr>) -> Self {
        let stem = first_argument.map(Path::new).and_then(Path::file_stem);
        match stem.and_then(OsStr::to_str) {
            Some("kubectl-awsauth") => Self::KubectlPlugin,
            _ => Self::Awsauth,
        }
    }

    /// What the user types to call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Awsauth => "awsauth",
            Self::KubectlPlugin => "kubectl awsauth",
        }
    }

    /// A message with its commands, written `awsauth COMMAND …`, as the user would type them.
    pub(crate) fn speak(self, message: &str) -> Cow<'_, str> {
        const COMMANDS: [&str; 20] = [
            "apply",
            "backup",
            "completion",
            "controller",
            "crd",
            "credentials",
            "diff",
            "doctor",
            "edit",
            "explain",
            "get",
            "history",
            "kubeconfig",
            "lint",
            "map",
            "restore",
            "undo",
            "unmap",
            "verify",
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
    fn kubectl_plugins_are_known_by_the_file_name() {
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
    fn commands_are_spoken_as_they_are_typed() {
        let message = "see awsauth get, not aws-auth; awsauth.dev/owners; see the awsauth command";
        assert_eq!(Program::Awsauth.speak(message), message);
        assert_eq!(
            Program::KubectlPlugin.speak(message),
            "see kubectl awsauth get, not aws-auth; awsauth.dev/owners; see the awsauth command"
        );
    }
}
