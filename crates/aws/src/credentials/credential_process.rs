//! Credentials of a profile's `credential_process`.

use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};

use secrecy::zeroize::Zeroizing;

use super::error::SourceError;
use crate::{credential_process_json, shlex};
use awsauth_core::token::Credentials;

/// Runs a profile's `credential_process`, without a shell, and parses its output. Its stderr is passed through, and in
/// a terminal the program may prompt the user.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
pub(super) fn credentials(line: &str) -> Result<Credentials, SourceError> {
    let words = shlex::split_command(line).map_err(|open| SourceError::ProcessWords(Some(open)))?;
    let [program, arguments @ ..] = words.as_slice() else {
        return Err(SourceError::ProcessWords(None));
    };
    let name = || program.clone();
    let stdin = if io::stdin().is_terminal() {
        Stdio::inherit()
    } else {
        // stdin may hold a manifest for awsauth.
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
    credential_process_json::read(&printed).map_err(|source| SourceError::ProcessAnswer {
        program: name(),
        source,
    })
}
