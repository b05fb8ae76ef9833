//! Runs of programs that have ended, and what they must not have said.

use std::process::{Command, Output};

use serde_json::Value;

use super::aws::Aws;

/// How an EKS token begins.
const TOKEN: &str = "k8s-aws-v1.";

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs the command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output();
        output.unwrap_or_else(|e| panic!("{command:?}: {e}")).into()
    }

    /// Ends with `status`, and stderr has each of `parts`.
    #[track_caller]
    pub(crate) fn says(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, status, "{self:?}");
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in:\n{}",
                self.stderr
            );
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("programs say UTF-8");
        Self {
            // A signal that ended it is no status.
            status: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// The one place where the tests of signing in run programs. Whatever a program says is searched for every secret key,
/// session token and web identity token that the stand-in ever handed out, and for EKS tokens.
impl Aws {
    /// Runs a command that prints nothing secret.
    #[track_caller]
    pub(crate) fn run(&self, command: &mut Command) -> Run {
        let run = self.run_for_token(command);
        assert_no_token("stdout", &run.stdout);
        run
    }

    /// Runs a command that may print an EKS token on its standard output, and nothing else that is secret.
    #[track_caller]
    pub(crate) fn run_for_token(&self, command: &mut Command) -> Run {
        let run = self.run_for_secrets(command);
        self.assert_no_secret("stdout", &run.stdout);
        run
    }

    /// Runs a command that is there to print secrets on its standard output; on the other it must not.
    #[track_caller]
    pub(crate) fn run_for_secrets(&self, command: &mut Command) -> Run {
        let run = Run::of(command);
        self.assert_no_secret("stderr", &run.stderr);
        assert_no_token("stderr", &run.stderr);
        run
    }

    #[track_caller]
    fn assert_no_secret(&self, stream: &str, said: &str) {
        for secret in self.secrets() {
            // As a part of a URL, too.
            let in_url = percent_encoded(&secret);
            for form in [&secret, &in_url] {
                assert!(
                    !said.contains(form.as_str()),
                    "a secret on {stream}: {said}"
                );
            }
        }
    }
}

#[track_caller]
fn assert_no_token(stream: &str, said: &str) {
    for token in said.split(TOKEN).skip(1) {
        let length = token
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
            .count();
        // A mere mention of the prefix is none.
        assert!(length < 16, "an EKS token on {stream}: {said}");
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
