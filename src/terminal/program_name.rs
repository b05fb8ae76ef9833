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

/// How messages name the commands that they suggest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// The command that the user types.
    name: &'static str,
    /// The options that select the file or cluster, as typed; with a space before each. A suggested command without them could
    /// change another cluster.
    target: &'static str,
}

/// The commands that messages suggest, and whether they can work on a file, only on a cluster, or have no target.
const COMMANDS: [(&str, Works); 29] = [
    ("apply", Works::OnFileToo),
    ("backup", Works::OnCluster),
    ("completion", Works::WithoutTarget),
    ("controller", Works::WithoutTarget),
    ("crd", Works::WithoutTarget),
    ("credentials", Works::WithoutTarget),
    ("diff", Works::OnFileToo),
    ("doctor", Works::OnCluster),
    ("edit", Works::OnFileToo),
    ("expire", Works::OnFileToo),
    ("explain", Works::OnFileToo),
    ("fleet", Works::WithoutTarget),
    ("get", Works::OnFileToo),
    ("history", Works::OnCluster),
    ("kubeconfig", Works::WithoutTarget),
    ("lint", Works::WithoutTarget),
    ("map", Works::OnFileToo),
    ("migrate", Works::OnFileToo),
    ("nodes", Works::OnCluster),
    ("replace-group", Works::OnFileToo),
    ("report", Works::OnFileToo),
    ("rescue", Works::OnCluster),
    ("restore", Works::OnCluster),
    ("undo", Works::OnCluster),
    ("unmap", Works::OnFileToo),
    ("unused", Works::OnCluster),
    ("verify", Works::OnCluster),
    ("who-can", Works::OnFileToo),
    ("whoami", Works::OnCluster),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Works {
    OnFileToo,
    OnCluster,
    WithoutTarget,
}

impl Program {
    pub(crate) const AWSAUTH: Self = Self {
        name: "awsauth",
        target: "",
    };

    /// Called as a kubectl plugin.
    pub(crate) const KUBECTL_PLUGIN: Self = Self {
        name: "kubectl awsauth",
        target: "",
    };

    /// Determines the name from the first argument of the process.
    pub(crate) fn called_as(first_argument: Option<&OsStr>) -> Self {
        let stem = first_argument.map(Path::new).and_then(Path::file_stem);
        match stem.and_then(OsStr::to_str) {
            Some("kubectl-awsauth") => Self::KUBECTL_PLUGIN,
            _ => Self::AWSAUTH,
        }
    }

    /// Adds these options to the commands that messages suggest. Call it once for each cluster.
    pub(crate) fn with_target(self, options: String) -> Self {
        Self {
            target: options.leak(),
            ..self
        }
    }

    /// Returns the command that the user types.
    pub(crate) const fn name(self) -> &'static str {
        self.name
    }

    /// Replaces `awsauth COMMAND …` in a message by the command that the user types, on the same file or cluster.
    pub(crate) fn speak(self, message: &str) -> Cow<'_, str> {
        if self == Self::AWSAUTH {
            return Cow::Borrowed(message);
        }
        let mut spoken = String::with_capacity(message.len());
        let mut parts = message.split("awsauth ");
        spoken.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let word = part
                .split(|c: char| !c.is_ascii_lowercase() && c != '-')
                .next();
            let known = COMMANDS.iter().find(|(name, _)| Some(*name) == word);
            let is_command = known.is_some() && !spoken.ends_with("kubectl ");
            spoken.push_str(if is_command { self.name } else { "awsauth" });
            if let Some((_, works)) = known
                && self.fits(*works, part)
            {
                spoken.push_str(self.target);
            }
            spoken.push(' ');
            spoken.push_str(part);
        }
        spoken.into()
    }

    /// Whether a suggested command can have the options, and selects no file or cluster itself.
    fn fits(self, works: Works, command: &str) -> bool {
        const SELECTING: [&str; 4] = ["--file", "--context", "--kubeconfig", "--cluster-name"];
        let on_file = self.target.starts_with(" --file");
        let takes = match works {
            Works::OnFileToo => true,
            Works::OnCluster => !on_file,
            Works::WithoutTarget => false,
        };
        let mut words = command.split_whitespace();
        let selects = words.any(|word| {
            let option = word.split('=').next().unwrap_or_default();
            SELECTING.contains(&option)
        });
        takes && !selects
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
                Program::KUBECTL_PLUGIN,
                "{plugin}"
            );
        }
        for own in ["awsauth", "/kubectl-awsauth/awsauth", "kubectl-awsauth-2"] {
            assert_eq!(
                Program::called_as(Some(own.as_ref())),
                Program::AWSAUTH,
                "{own}"
            );
        }
        assert_eq!(Program::called_as(None), Program::AWSAUTH);
    }

    #[test]
    fn message_commands_match_the_called_name() {
        let message = "see awsauth get, not aws-auth; awsauth.dev/owners; see the awsauth command";
        assert_eq!(Program::AWSAUTH.speak(message), message);
        assert_eq!(
            Program::KUBECTL_PLUGIN.speak(message),
            "see kubectl awsauth get, not aws-auth; awsauth.dev/owners; see the awsauth command"
        );
    }

    #[test]
    fn suggested_commands_have_the_same_target() {
        let prod = Program::AWSAUTH.with_target(" --context prod".to_owned());
        for (message, expected) in [
            (
                "to undo this change: awsauth undo",
                "to undo this change: awsauth --context prod undo",
            ),
            (
                "awsauth get, or awsauth map role x …",
                "awsauth --context prod get, or awsauth --context prod map role x …",
            ),
            ("awsauth get --file x", "awsauth get --file x"),
            ("awsauth get --context=x", "awsauth get --context=x"),
            (
                "awsauth unmap role x--context",
                "awsauth --context prod unmap role x--context",
            ),
            (
                "awsauth lint x; see the awsauth command",
                "awsauth lint x; see the awsauth command",
            ),
            ("awsauth mapping", "awsauth mapping"),
        ] {
            assert_eq!(prod.speak(message), expected);
        }
        let file = Program::KUBECTL_PLUGIN.with_target(" --file a.yaml".to_owned());
        assert_eq!(
            file.speak("awsauth unmap role x; awsauth history"),
            "kubectl awsauth --file a.yaml unmap role x; kubectl awsauth history"
        );
    }
}
