//! The arguments that all writing commands share.

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{Args, ValueEnum};

use super::{OutputArgs, PlanFormat};
use crate::backend::Backend;
use crate::terminal::Failure;
use crate::write::{Mode, Options, VerifyAs};
use awsauth_core::lint::Rule;
use awsauth_core::plan::Allowed;

/// The arguments of a writing command.
#[derive(Clone, Debug, Args)]
pub(crate) struct WriteArgs {
    /// Show what would change and write nothing. Without a value: server on a cluster, client on a file
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "MODE", default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    pub(crate) dry_run: DryRun,

    #[command(flatten)]
    pub(crate) answer: OutputArgs<PlanFormat>,

    /// The reason for the change, recorded in the history
    #[arg(long, env = "AWSAUTH_REASON", value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    #[command(flatten)]
    pub(crate) overrides: Overrides,
}

/// Whether to write, and which side checks a dry run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// Write
    #[default]
    None,
    /// Plan locally and write nothing
    Client,
    /// Have the API server check the write and store nothing
    Server,
    /// What `--dry-run` without a value means.
    #[value(hide = true)]
    Auto,
}

impl DryRun {
    /// Returns how to run the transaction on this backend.
    pub(crate) fn mode(self, backend: &Backend) -> Mode {
        match self {
            Self::None => Mode::Write,
            Self::Server => Mode::ServerDryRun,
            Self::Auto if backend.has_server() => Mode::ServerDryRun,
            Self::Auto | Self::Client => Mode::ClientDryRun,
        }
    }
}

impl WriteArgs {
    /// How to run the transaction on this backend.
    pub(crate) fn options(&self, backend: &Backend) -> Options {
        Options {
            mode: self.dry_run.mode(backend),
            format: self.answer.output,
            reason: self.reason.clone(),
            undoes: None,
            allow: self.overrides.allowed(),
            no_backup: self.overrides.no_backup,
            no_verify: self.overrides.no_verify,
            no_rollback: self.overrides.no_rollback,
            is_confirmed: false,
            prints_own_report: false,
        }
    }
}

/// Rejects flags for writing on the command line without `--fix`. Variables are allowed, because other commands read them
/// too. `A` has all these flags.
pub(crate) fn refuse_without_fix<A: Args>(
    matches: &clap::ArgMatches,
    command: &'static str,
) -> Result<(), Failure> {
    let matches = matches.subcommand().map_or(matches, |(_, own)| own);
    let known = A::augment_args(clap::Command::new(command));
    let typed = known
        .get_arguments()
        .find(|arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine));
    let Some(flag) = typed.and_then(clap::Arg::get_long) else {
        return Ok(());
    };
    let failure = Failure::usage(format!(
        "--{flag} needs --fix: without it, {command} writes nothing"
    ));
    Err(match (flag, command) {
        ("allow", "lint") => failure.hint("to skip a rule: --ignore RULE"),
        _ => failure.hint(format!("remove --{flag}, or add --fix")),
    })
}

/// Whether to verify a write by signing in, and as which identity.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// After the write, sign in with a new token made with your AWS credentials; if that fails, restore the previous state
    #[arg(long, env = "AWSAUTH_VERIFY", help_heading = None::<&str>, value_parser = FalseyValueParser::new())]
    verify: bool,

    /// The same, but sign in as this role
    #[arg(
        long,
        env = "AWSAUTH_VERIFY_AS",
        help_heading = None::<&str>,
        value_name = "ROLE-ARN"
    )]
    verify_as: Option<String>,
}

impl VerifyArgs {
    /// Whether the user asked for a verification.
    pub(crate) fn is_requested(&self) -> bool {
        self.verify || self.verify_as.is_some()
    }

    /// The identity that signs in; `None` if the user did not ask for a verification.
    pub(crate) fn verify_as(&self) -> Option<VerifyAs> {
        let role = self.verify_as.clone();
        self.is_requested().then_some(VerifyAs { role })
    }
}

/// The heading of [`Overrides`] in help.
pub(crate) const OVERRIDES: &str = "Options that override one guard";

/// Flags that each override one guard. They have no environment variables, so that each use is explicit.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = OVERRIDES)]
pub(crate) struct Overrides {
    /// Write aws-auth even if the cluster ignores it
    #[arg(long)]
    pub(crate) allow_ignored: bool,

    /// Allow the change to introduce errors of this lint rule, by ID or name; may be repeated
    #[arg(long = "allow", value_name = "RULE", value_parser = rule)]
    rules: Vec<&'static Rule>,

    /// Allow this node entry to be changed or removed; may be repeated
    #[arg(long = "allow-node-entry", value_name = "ARN")]
    node_entries: Vec<String>,

    /// Allow the removal of exactly N mappings that were not named one by one
    #[arg(long = "allow-removals", value_name = "N")]
    removals: Option<usize>,

    /// Write even if you could not undo it afterwards
    #[arg(long)]
    pub(crate) allow_self_lockout: bool,

    /// Allow the cluster to have no administrator; on a terminal, awsauth asks you to type the cluster's name
    #[arg(long = "allow-no-admin")]
    no_admin: bool,

    /// Write even if no backup of the current state can be stored
    #[arg(long)]
    pub(crate) no_backup: bool,

    /// Do not check that you still have access after a write that changes your own mapping
    #[arg(long)]
    pub(crate) no_verify: bool,

    /// Keep what was written if it cannot be verified
    #[arg(long)]
    pub(crate) no_rollback: bool,
}

impl Overrides {
    /// The guards of plans that the flags override.
    pub(crate) fn allowed(&self) -> Allowed {
        Allowed {
            ignored: self.allow_ignored,
            rules: self.rules.clone(),
            node_entries: self.node_entries.clone(),
            removals: self.removals,
            self_lockout: self.allow_self_lockout,
            no_admin: self.no_admin,
        }
    }
}

fn rule(text: &str) -> Result<&'static Rule, String> {
    awsauth_core::lint::rule(text).map_err(|error| match error.closest {
        Some(closest) => format!("{error}; did you mean {closest}?"),
        None => error.to_string(),
    })
}
