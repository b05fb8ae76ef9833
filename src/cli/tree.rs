//! The clap definition of all commands.

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::backend::Target;
use crate::commands::{
    apply, backup, completion, credentials, diff, doctor, edit, eks, expire, explain, fleet, get,
    history, kubeconfig, lint, man, map, migrate, nodes, replace_group, report, rescue, restore,
    token, undo, unmap, unused, verify, version, who_can, whoami,
};
use crate::commands::{controller, crd};
use crate::output::PlanFormat;
use crate::terminal::{ColorMode, Verbosity};

/// Read, edit and verify the aws-auth ConfigMap of an EKS cluster
///
/// aws-auth maps IAM roles and users to the Kubernetes user and groups that they use in an EKS cluster. awsauth changes
/// only the mapping that you name and keeps every other byte, comment and quote unchanged. It works on the live
/// ConfigMap or, with --file, on a manifest.
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

/// Options for output.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct Style {
    /// When to color output; auto honors NO_COLOR, CLICOLOR_FORCE and TERM=dumb
    #[arg(
        long,
        global = true,
        env = "AWSAUTH_COLOR",
        value_enum,
        value_name = "WHEN",
        default_value_t
    )]
    pub(crate) color: ColorMode,

    /// Print details on stderr
    #[arg(short, long, global = true, env = "AWSAUTH_VERBOSE", action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pub(crate) verbose: bool,

    /// Print only failures and unchecked guards on stderr
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
    #[command(aliases = ["list", "ls"])]
    Get(get::Args),
    Map(map::Args),
    Unmap(unmap::Args),
    ReplaceGroup(replace_group::Args),
    Apply(apply::Args),
    Diff(diff::Args),
    Expire(expire::Args),
    Edit(edit::Args),
    History(history::Args),
    Undo(undo::Args),
    Restore(restore::Args),
    Backup(backup::Args),
    Explain(explain::Args),
    WhoCan(who_can::Args),
    Unused(unused::Args),
    Migrate(migrate::Args),
    Nodes(nodes::Args),
    Report(report::Args),
    Fleet(Box<fleet::Args>),
    Rescue(rescue::Args),
    Lint(lint::Args),
    Kubeconfig(kubeconfig::Args),
    Token(token::Args),
    #[command(hide = true)]
    Eks(eks::Args),
    Whoami(whoami::Args),
    Verify(verify::Args),
    Doctor(doctor::Args),
    Credentials(credentials::Args),
    Controller(Box<controller::Args>),
    Crd(crd::Args),
    Completion(completion::Args),
    Man(man::Args),
    Version(version::Args),
    /// List the options that every command has
    #[command(after_help = "\
Examples:
  awsauth options")]
    Options,
}

impl Command {
    /// Returns the output format of commands that report a plan.
    pub(crate) fn plan_format(&self) -> Option<PlanFormat> {
        Some(match self {
            Self::Map(args) => args.output(),
            Self::Unmap(args) => args.output(),
            Self::ReplaceGroup(args) => args.output(),
            Self::Apply(args) => args.output(),
            Self::Diff(args) => args.output(),
            Self::Expire(args) => args.output(),
            Self::Edit(args) => args.output(),
            Self::Undo(args) => args.output(),
            Self::Restore(args) => args.output(),
            _ => return None,
        })
    }
}

impl Command {
    /// Returns whether the command signs in with AWS credentials even if it connects with a kubeconfig.
    pub(crate) fn signs_in(&self) -> bool {
        match self {
            Self::Map(args) => args.is_verified(),
            Self::Apply(args) => args.is_verified(),
            _ => false,
        }
    }
}

const AFTER: &str = "\
Examples:
  # Show who can use the cluster, as the authenticator sees it
  awsauth get

  # Map a role, on the cluster of the current context
  awsauth map role arn:aws:iam::111122223333:role/mytestrole --username admin --group system:masters

  # Show what the same command would change in a manifest
  awsauth map role arn:aws:iam::111122223333:role/mytestrole --username admin --group system:masters --file aws-auth.yaml --dry-run

Exit codes:
  0 success   1 no, or differences   2 usage or unreadable input   3 no connection or no permission
  4 refused   5 conflict   6 verification failed, rolled back   7 verification failed   70 a bug   74 cannot write stdout   130 interrupted
  See docs/exit-codes.md";
