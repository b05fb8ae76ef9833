//! Credentials of a profile's `credential_process`.

use std::io::{self, IsTerminal, Read};
use std::process::{Command, ExitStatus, Stdio};

use secrecy::zeroize::Zeroizing;

use super::error::SourceError;
use crate::{credential_process_json, shlex};
use awsauth_core::token::Credentials;

/// The maximum length of the output.
const MAX_OUTPUT: u64 = 1 << 20;

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
    let mut command = Command::new(program);
    command.args(arguments).stdin(stdin);
    let (printed, status) = run(&mut command).map_err(|source| SourceError::ProcessNotRun {
        program: name(),
        source,
    })?;
    if !status.success() {
        return Err(SourceError::ProcessFailed {
            program: name(),
            status: status.to_string(),
        });
    }
    credential_process_json::read(&printed).map_err(|source| SourceError::ProcessAnswer {
        program: name(),
        source,
    })
}

/// Runs a command and reads its stdout. A program that prints more than the limit is ended by the closed pipe.
fn run(command: &mut Command) -> io::Result<(Zeroizing<Vec<u8>>, ExitStatus)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut printed = Zeroizing::new(Vec::new());
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_OUTPUT).read_to_end(&mut printed)?;
    }
    Ok((printed, child.wait()?))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn endless_output_is_an_error() {
        let error = credentials("yes").unwrap_err().to_string();
        assert!(error.contains("yes") && error.contains("signal"), "{error}");
    }
}
