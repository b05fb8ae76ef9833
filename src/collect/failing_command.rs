//! Runs the failing command that the user passed.

use std::process::Command;
use std::time::Duration;

use super::subprocess;
use awsauth_core::doctor::evidence::CommandRun;
use awsauth_core::doctor::{Symptom, error_line, symptom};
use awsauth_core::redact;

/// The result of the failing command.
pub(crate) struct Ran {
    /// The exit status; `None` if it did not end in time.
    pub(crate) status: Option<String>,
    /// Whether it succeeded.
    pub(crate) worked: bool,
    /// The stderr, without secrets.
    pub(crate) stderr: String,
    /// The symptom in stderr.
    pub(crate) symptom: Option<Symptom>,
}

impl Ran {
    /// Returns the result as evidence.
    pub(crate) fn evidence(&self) -> CommandRun {
        let symptom = self
            .symptom
            .as_ref()
            .map(|symptom| symptom.message.as_str());
        let message = symptom.unwrap_or_else(|| error_line(&self.stderr));
        CommandRun {
            status: self.status.clone(),
            succeeded: self.worked,
            stderr: self.stderr.clone(),
            message: message.trim().to_owned(),
        }
    }
}

/// Runs the failing command, and reads its stderr.
pub(crate) fn run(words: &[String], limit: Duration) -> Ran {
    let Some((program, args)) = words.split_first() else {
        return failed("there is no command".to_owned());
    };
    match subprocess::run(Command::new(program).args(args), limit) {
        Err(error) => failed(format!("{program} cannot be run: {error}")),
        Ok(None) => Ran {
            status: None,
            worked: false,
            stderr: String::new(),
            symptom: symptom("i/o timeout"),
        },
        Ok(Some(exited)) => {
            let stderr = exited.stderr.trim_end();
            let worked = exited.status.success();
            let symptom = symptom(stderr).filter(|_| !worked);
            Ran {
                status: Some(exited.status.to_string()),
                worked,
                symptom: symptom.map(|symptom| Symptom {
                    message: redact::text(&symptom.message),
                    ..symptom
                }),
                stderr: redact::text(stderr),
            }
        }
    }
}

fn failed(stderr: String) -> Ran {
    Ran {
        status: Some("not started".to_owned()),
        worked: false,
        symptom: None,
        stderr,
    }
}
