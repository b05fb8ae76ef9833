//! `awsauth completion`.

use clap_complete::Shell;

use crate::terminal::{Exit, Failure, Out};

/// Print a script that completes commands in your shell
///
/// For kubectl's own completion, put the script kubectl_complete-awsauth from docs/completion.md on the PATH.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_parser = clap::builder::EnumValueParser::<Shell>::new())]
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  source <(awsauth completion bash)
  awsauth completion zsh > \"${fpath[1]}/_awsauth\"
  awsauth completion fish > ~/.config/fish/completions/awsauth.fish
  awsauth completion powershell | Out-String | Invoke-Expression";

/// Prints the script. Shells complete the name of the executable, which is always `awsauth`.
pub(crate) fn run(args: &Args, tree: clap::Command, out: &mut Out) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut tree.name("awsauth"),
        "awsauth",
        &mut script,
    );
    out.data(&script)?;
    Ok(Exit::Done)
}
