//! `awsauth credentials`.

mod exec;

use clap::{Subcommand, ValueEnum};

use super::OutputArgs;
use crate::backend::credential_args::{self, CredentialArgs};
use crate::output::{as_dotenv, as_exports, as_json, as_powershell, as_process};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::ResolvedCredentials;

/// Export AWS credentials to a shell, a file or a command
///
/// Resolves credentials as every other command does, and prints them in the consumer's format. Prints to a
/// terminal only with --reveal.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    mut_arg("output", |output| output.help("The output format")),
    after_help = "\
Examples:
  # Into this shell
  eval \"$(awsauth credentials --role-arn arn:aws:iam::111122223333:role/deploy)\"

  # Into PowerShell, as in the user data of an EC2 Windows instance
  awsauth credentials -o powershell | Out-String | Invoke-Expression

  # For one command only, as another role
  awsauth credentials exec --role-arn arn:aws:iam::111122223333:role/deploy -- terraform plan

  # In ~/.aws/config, for every AWS tool
  credential_process = awsauth credentials -o process --role-arn arn:aws:iam::111122223333:role/deploy"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    answer: OutputArgs<Format>,

    /// Print credentials even to a terminal
    #[arg(long)]
    reveal: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Exec(exec::Args),
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Assignments for eval in a POSIX shell
    #[default]
    Env,
    /// For Invoke-Expression
    Powershell,
    /// A .env file, such as docker run --env-file takes
    Dotenv,
    /// JSON for scripts
    Json,
    /// For credential_process in a profile
    Process,
}

/// Prints credentials, or runs a command with them.
pub(crate) fn run(args: &Args, identity: &CredentialArgs, out: &mut Out) -> Result<Exit, Failure> {
    if let Some(Command::Exec(args)) = &args.command {
        return exec::run(args, identity, out);
    }
    if out.is_seen() && !args.reveal {
        return Err(Failure::new(
            Kind::Refused,
            "refused: credentials are not printed to a terminal, where other users can read them",
        )
        .hint("load them into this shell: eval \"$(awsauth credentials)\"; or print them anyway with --reveal"));
    }
    let resolved = fresh(identity, out)?;
    let credentials = &resolved.credentials;
    let bug = |error: serde_json::Error| Failure::bug(&error);
    let text = match args.answer.output {
        Format::Env => as_exports(credentials),
        Format::Powershell => as_powershell(credentials),
        Format::Dotenv => as_dotenv(credentials).ok_or_else(|| {
            Failure::usage("cannot write these credentials to a .env file: they contain characters that its readers interpret differently")
                .hint("take them as JSON: awsauth credentials -o json")
        })?,
        Format::Json => as_json(credentials, resolved.source.to_string()).map_err(bug)?,
        Format::Process => as_process(credentials).map_err(bug)?,
    };
    out.data(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Resolves credentials without the cache, so that they have their full lifetime.
fn fresh(identity: &CredentialArgs, out: &mut Out) -> Result<ResolvedCredentials, Failure> {
    let mut credential_options = identity.credential_options();
    credential_options.no_cache = true;
    let aws_environment = AwsEnvironment::of_process();
    credential_args::resolve(
        "cannot get AWS credentials",
        &credential_options,
        &aws_environment,
        out,
    )
}
