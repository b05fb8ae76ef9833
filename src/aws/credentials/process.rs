use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};

use secrecy::zeroize::Zeroizing;

use super::SourceError;
use crate::aws::{document, words};
use crate::token::Credentials;

/// Runs a profile's `credential_process` and reads what it prints. What it writes to stderr goes to ours, and where a person sits at
/// the terminal it may ask; no shell is between.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
pub(super) fn credentials(line: &str) -> Result<Credentials, SourceError> {
    let words = words::command(line).map_err(|open| SourceError::ProcessWords(Some(open)))?;
    let [program, arguments @ ..] = words.as_slice() else {
        return Err(SourceError::ProcessWords(None));
    };
    let name = || program.clone();
    let stdin = if io::stdin().is_terminal() {
        Stdio::inherit()
    } else {
        // A manifest on stdin is ours to read.
        Stdio::null()
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(stdin)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| SourceError::ProcessNotRun {
            program: name(),
            source,
        })?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(SourceError::ProcessFailed {
            program: name(),
            status: output.status.to_string(),
        });
    }
    document::read(&printed).map_err(|source| SourceError::ProcessAnswer {
        program: name(),
        source,
    })
}
