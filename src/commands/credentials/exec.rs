//! `awsauth credentials exec`.

use std::ffi::OsString;
use std::process::Command;

use secrecy::ExposeSecret;

use super::fresh;
use crate::backend::credential_args::CredentialArgs;
use crate::output::variables;
use crate::terminal::{Exit, Failure, Out};
use awsauth_aws::region::RegionSource;

/// Variables that would make the command use other credentials.
const MISLEADING: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];

/// Run a command with the credentials only in its environment
///
/// The command replaces the awsauth process, with its own exit code, signals and terminal.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth credentials exec --role-arn arn:aws:iam::111122223333:role/deploy -- terraform plan")]
pub(crate) struct Args {
    /// The command and its arguments
    #[arg(value_name = "COMMAND", required = true, last = true)]
    command: Vec<OsString>,
}

/// Replaces this process by the command.
pub(super) fn run(args: &Args, identity: &CredentialArgs, out: &mut Out) -> Result<Exit, Failure> {
    let resolved = fresh(identity, out)?;
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Failure::usage("no command is given"));
    };
    let mut command = Command::new(program);
    command.args(arguments);
    for name in MISLEADING {
        command.env_remove(name);
    }
    for (name, value) in variables(&resolved.credentials) {
        match value {
            Some(value) => command.env(name, value.expose_secret()),
            None => command.env_remove(name),
        };
    }
    // The command no longer has the profile, which may set the region.
    if resolved.region.from != RegionSource::Fallback {
        command.env("AWS_REGION", &resolved.region.name);
        command.env("AWS_DEFAULT_REGION", &resolved.region.name);
    }
    replace_process(command).map_err(|error| {
        Failure::usage(format!("cannot run {}", program.display())).because(&error)
    })
}

/// Returns only on failure.
#[cfg(unix)]
fn replace_process(mut command: Command) -> std::io::Result<Exit> {
    use std::os::unix::process::CommandExt;

    Err(command.exec())
}

/// Windows cannot replace a process: waits, and exits with the same code.
#[cfg(not(unix))]
#[expect(
    clippy::exit,
    reason = "the exit code is the command's, which may be any"
)]
fn replace_process(mut command: Command) -> std::io::Result<Exit> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}
