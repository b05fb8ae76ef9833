//! The arguments of `lint`.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::FalseyValueParser;

use super::collect_facts::Requested;
use crate::commands::OutputArgs;
use crate::commands::write_args::{DryRun, Overrides, WriteArgs, refuse_without_fix};
use crate::output::PlanFormat;
use crate::terminal::{Exit, Failure};
use awsauth_core::facts::accounts::is_account_id;
use awsauth_core::lint::{RULES, Report, Selection, Severity};
use awsauth_kube::rbac::RoleScope;

/// Find what breaks access, weakens security or misleads readers
///
/// Reads manifests and Terraform plans, or the live ConfigMap if there is no FILE. Each finding states what the authenticator makes of
/// that part and how to fix it. A comment `# awsauth: ignore[ID] REASON` in the text waives findings on its line, on the next line, or
/// in the entry that starts there.
///
/// With -o github, lint also appends a table of the findings to the file in GITHUB_STEP_SUMMARY, and findings=N and errors=N to the file
/// in GITHUB_OUTPUT.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # The live cluster, or the manifests of a repository
  awsauth lint
  awsauth lint clusters/

  # Apply the safe fixes, after a look at them
  awsauth lint aws-auth.yaml --fix --dry-run
  awsauth lint aws-auth.yaml --fix

  # The plan of Terraform
  terraform show -json plan.out | awsauth lint -")]
pub(crate) struct Args {
    /// Manifests or Terraform plans (JSON) that contain aws-auth, folders of them, or patterns; - is stdin
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) rules: RuleArgs,

    /// Succeed if there is nothing to check in the folders and patterns
    #[arg(long, env = "AWSAUTH_ALLOW_EMPTY", value_parser = FalseyValueParser::new())]
    pub(super) allow_empty: bool,

    #[command(flatten)]
    pub(super) answer: OutputArgs<Format>,

    /// The file that SARIF output names for the live ConfigMap and for stdin
    #[arg(long, env = "AWSAUTH_SARIF_PATH", value_name = "PATH")]
    pub(super) sarif_path: Option<String>,

    #[command(flatten)]
    pub(super) fix: FixArgs,
}

/// The rules to run, and the exit code.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RuleArgs {
    /// Check only these rules, by ID, name or group letter
    #[arg(
        long,
        env = "AWSAUTH_SELECT",
        value_name = "RULE",
        value_delimiter = ','
    )]
    pub(super) select: Vec<String>,

    /// Skip these rules, by ID, name or group letter
    #[arg(
        long,
        env = "AWSAUTH_IGNORE",
        value_name = "RULE",
        value_delimiter = ','
    )]
    pub(super) ignore: Vec<String>,

    /// Exit with 1 if there is a finding of this severity or worse
    #[arg(
        long,
        env = "AWSAUTH_FAIL_ON",
        value_enum,
        value_name = "SEVERITY",
        default_value_t
    )]
    pub(super) fail_on: FailOn,

    /// The AWS account of the cluster, for rules that need to know it
    #[arg(long, env = "AWSAUTH_CLUSTER_ACCOUNT", value_name = "ID", value_parser = parse_account)]
    pub(super) cluster_account: Option<String>,
}

impl RuleArgs {
    /// Returns the selected rules.
    ///
    /// # Errors
    /// If a rule does not exist.
    pub(super) fn selection(&self) -> Result<Selection, Failure> {
        Selection::new(&self.select, &self.ignore).map_err(|error| {
            let hint = match error.closest {
                Some(closest) => format!("did you mean {closest}? docs/lint.md lists all rules"),
                None => "docs/lint.md lists all rules".to_owned(),
            };
            Failure::usage(error).hint(hint)
        })
    }

    /// Returns the facts that the selected rules need.
    pub(super) fn requested(&self, selection: &Selection) -> Requested<'_> {
        let mut selected = RULES.into_iter().filter(|rule| selection.admits(rule));
        Requested {
            account: self.cluster_account.as_deref(),
            needs_aws: selected.any(|rule| rule.needs.is_cluster()),
            roles: RoleScope::KubeSystem,
        }
    }

    /// Returns the exit code for these reports.
    pub(super) fn exit<'a>(&self, reports: impl IntoIterator<Item = &'a Report>) -> Exit {
        let findings = reports.into_iter().flat_map(|report| &report.findings);
        let worst = findings.map(|finding| finding.severity).max();
        match worst.is_some_and(|worst| self.fail_on.is_reached(worst)) {
            true => Exit::No,
            false => Exit::Done,
        }
    }
}

/// The lowest severity that makes the exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Errors
    #[default]
    Error,
    /// Warnings and errors
    Warning,
    /// Any finding
    Note,
    /// No finding
    Never,
}

impl FailOn {
    /// Returns whether a finding of this severity makes the exit code 1.
    pub(super) fn is_reached(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Note => true,
            Self::Never => false,
        }
    }
}

/// Parses the ID of an account.
pub(crate) fn parse_account(text: &str) -> Result<String, String> {
    if is_account_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an account has twelve digits".to_owned())
    }
}

/// The output formats of `lint`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for users
    #[default]
    Human,
    /// JSON for scripts
    Json,
    /// SARIF 2.1.0 for code scanning
    Sarif,
    /// Annotations for a GitHub Actions step, and a table in its summary
    Github,
    /// JUnit XML for pipelines that display tests
    Junit,
}

/// Whether and how to fix findings.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct FixArgs {
    /// Apply the safe fixes and report the remaining findings; prints the fixed text if the input is stdin
    #[arg(long, env = "AWSAUTH_FIX", value_parser = FalseyValueParser::new())]
    pub(super) fix: bool,

    /// With --fix, show the changes and write nothing; without a value, this means server on a cluster and client on a file
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "MODE", default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    dry_run: DryRun,

    /// With --fix, the reason to record in the history
    #[arg(long, env = "AWSAUTH_REASON", value_name = "TEXT")]
    reason: Option<String>,

    #[command(flatten)]
    overrides: Overrides,
}

impl FixArgs {
    /// Rejects flags for writing on the command line without `--fix`. Variables are allowed, because other commands read them too.
    pub(super) fn validate(&self, matches: &clap::ArgMatches) -> Result<(), Failure> {
        if self.fix {
            return Ok(());
        }
        refuse_without_fix::<Self>(matches, "lint")
    }

    /// Returns whether this is a dry run.
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run != DryRun::None
    }

    /// Returns the arguments of the write.
    pub(super) fn write_args(&self, format: Format) -> WriteArgs {
        WriteArgs {
            dry_run: self.dry_run,
            answer: OutputArgs {
                output: match format {
                    Format::Json => PlanFormat::Json,
                    _ => PlanFormat::Human,
                },
            },
            reason: self.reason.clone(),
            overrides: self.overrides.clone(),
        }
    }
}
