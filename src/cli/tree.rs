use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::commands::{
    PlanFormat, apply, backup, completion, credentials, diff, doctor, edit, eks, explain, get,
    history, kubeconfig, lint, man, map, restore, token, undo, unmap, verify, version, whoami,
};
#[cfg(feature = "controller")]
use crate::commands::{controller, crd};
use crate::edge::{ColorMode, Verbosity};
use crate::world::Target;

/// Read, merge and write the aws-auth ConfigMap of an EKS cluster, and lose nothing
///
/// aws-auth says which IAM roles and users may use an EKS cluster, and as which Kubernetes user and groups. awsauth changes
/// the one mapping that you name and leaves every other byte, comment and quote as it was. It works on the live
/// ConfigMap, or with --file on a manifest.
#[derive(Debug, Parser)]
#[command(name = "awsauth", version, propagate_version = false, max_term_width = 100, after_long_help = AFTER)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) style: Style,
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the program talks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct Style {
    /// When to colour; NO_COLOR, CLICOLOR_FORCE and TERM=dumb are heard with auto
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_COLOR",
        value_enum,
        value_name = "WHEN",
        default_value_t
    )]
    pub(crate) color: ColorMode,

    /// Say more on stderr
    #[arg(short, long, global = true, env = "AWSAUTH_VERBOSE", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pub(crate) verbose: bool,

    /// Say nothing on stderr but failures
    #[arg(short, long, global = true, env = "AWSAUTH_QUIET", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pub(crate) quiet: bool,
}

impl Style {
    pub(crate) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Detailed,
            (false, false) => Verbosity::Normal,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Get(get::Args),
    Map(map::Args),
    Unmap(unmap::Args),
    Apply(apply::Args),
    Diff(diff::Args),
    Edit(edit::Args),
    History(history::Args),
    Undo(undo::Args),
    Restore(restore::Args),
    Backup(backup::Args),
    Explain(explain::Args),
    Lint(lint::Args),
    Kubeconfig(kubeconfig::Args),
    Token(token::Args),
    #[command(hide = true)]
    Eks(eks::Args),
    Whoami(whoami::Args),
    Verify(verify::Args),
    Doctor(doctor::Args),
    Credentials(credentials::Args),
    #[cfg(feature = "controller")]
    Controller(Box<controller::Args>),
    #[cfg(feature = "controller")]
    Crd(crd::Args),
    Completion(completion::Args),
    Man(man::Args),
    Version(version::Args),
}

impl Command {
    /// The form of its answer, where that is a report on a plan.
    pub(crate) fn plan_format(&self) -> Option<PlanFormat> {
        Some(match self {
            Self::Map(args) => args.output(),
            Self::Unmap(args) => args.output(),
            Self::Apply(args) => args.output(),
            Self::Diff(args) => args.output(),
            Self::Edit(args) => args.output(),
            Self::Undo(args) => args.output(),
            Self::Restore(args) => args.output(),
            _ => return None,
        })
    }
}

impl Command {
    /// Whether it signs in with AWS credentials whoever else the kubeconfig lets in.
    pub(crate) fn signs_in(&self) -> bool {
        match self {
            Self::Map(args) => args.is_verified(),
            Self::Apply(args) => args.is_verified(),
            _ => false,
        }
    }
}

const AFTER: &str = concat!(
    "\
Examples:
  # Who may use the cluster, as the authenticator sees it
  awsauth get

  # Let a role in, on the cluster of the current context
  awsauth map role arn:aws:iam::111122223333:role/mytestrole --username admin --group system:masters

  # The same on a manifest, and only show what would change
  awsauth map role arn:aws:iam::111122223333:role/mytestrole --username admin --group system:masters --file aws-auth.yaml --dry-run

Exit codes:
  0 done   1 no, or differences   2 usage or unreadable input   3 no connection or no permission
  4 refused   5 conflict   6 written, not verified, put back   7 written, not verified   70 a bug   74 stdout can't be written   130 interrupted
  See ",
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/main/docs/exit-codes.md"
);
