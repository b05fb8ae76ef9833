//! `awsauth report`.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::Value;

use super::lint::{Requested, cluster_facts};
use super::unused::{self, LogArgs, Since};
use super::{Format, OutputArgs};
use crate::backend::{Backend, Target, bounded_read};
use crate::output::{
    access_difference_json, access_difference_text, access_report_csv, access_report_html,
    access_report_json, access_report_markdown,
};
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::access_report::{AccessReport, Difference, FleetReport, Head};
use awsauth_core::authenticator::{MappedPrincipals, Store};
use awsauth_core::document::Document;
use awsauth_core::lint::{Selection, lint};
use awsauth_kube::rbac::RoleScope;

/// Report who has access to the cluster, and to what
///
/// Lists every principal that can sign in, with its user, its groups, and the permissions that RBAC and access policies give it.
/// The HTML report is self-contained: it works offline and can be mailed, archived and printed. If --cluster-name or the
/// kubeconfig names the cluster at EKS, the report includes its access entries.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # A page for an access review
  awsauth report -o html > access.html

  # The same, with when each principal signed in
  awsauth report --since 90d --cluster-name prod -o html > access.html

  # What changed since the previous report?
  awsauth report -o json > new.json
  awsauth report diff old.json new.json")]
#[command(args_conflicts_with_subcommands = true, mut_arg("log", |arg| arg.requires("since")))]
pub(crate) struct Args {
    #[command(subcommand)]
    diff: Option<Sub>,

    #[command(flatten)]
    answer: OutputArgs<ReportFormat>,

    /// Show the changes since this report, which was written with -o json or -o html
    #[arg(long, env = "AWSAUTH_PREVIOUS", value_name = "REPORT")]
    previous: Option<PathBuf>,

    #[command(flatten)]
    sign_ins: SignInArgs,
}

/// The sign-ins to report.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct SignInArgs {
    /// Also report who signed in since this time, such as 90d or 2026-08-01T00:00:00Z
    #[arg(long, env = "AWSAUTH_SINCE", value_name = "TIME")]
    since: Option<Since>,

    #[command(flatten)]
    log: LogArgs,
}

impl SignInArgs {
    /// The sign-ins since a time, in the log of the cluster.
    pub(super) fn since(since: Option<Since>) -> Self {
        Self {
            since,
            log: LogArgs::default(),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Compare two reports, each written with -o json or -o html
    ///
    /// Both are of one cluster, or both of several. Exits with 1 if the access differs, or if a cluster could not be compared.
    #[command(after_help = "\
Examples:
  awsauth report diff old.json new.json
  awsauth report diff old.html new.html -o json")]
    Diff(DiffArgs),
}

#[derive(Debug, clap::Args)]
struct DiffArgs {
    /// The earlier report
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The later report
    #[arg(value_name = "NEW")]
    new: PathBuf,

    #[command(flatten)]
    answer: OutputArgs,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// Tables that GitHub, GitLab and editors show
    #[default]
    #[value(alias = "md")]
    Markdown,
    /// One page with a diagram, search and filters
    Html,
    /// One line for each permission, for spreadsheets
    Csv,
    /// JSON for scripts and for report diff
    Json,
}

/// Prints a report, or the difference between two reports.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    match &args.diff {
        Some(Sub::Diff(args)) => compare(args, out),
        None => {
            let mut backend = Backend::open(target, matches, false, out)?;
            print(args, &mut backend, out)
        }
    }
}

fn print(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let previous = match &args.previous {
        Some(path) => match read(path)? {
            Stored::Cluster(previous) => Some((path.display().to_string(), previous)),
            Stored::Fleet(_) => {
                let message = format!("the report {} is of several clusters", path.display());
                let hint = "compare it with a report of several clusters: awsauth fleet report --previous REPORT";
                return Err(Failure::usage(message).hint(hint));
            }
        },
        None => None,
    };
    let report = of(&args.sign_ins, backend, out)?;
    let difference = previous
        .as_ref()
        .map(|(name, previous)| (name.as_str(), Difference::between(previous, &report)));
    let since = difference
        .as_ref()
        .map(|(name, difference)| (*name, difference));
    let changes = since.map(|(_, difference)| difference);
    let bug = |error: &dyn std::error::Error| Failure::bug(error);
    match args.answer.output {
        ReportFormat::Markdown => out.text(&access_report_markdown(&report, since))?,
        ReportFormat::Html => {
            let page = access_report_html(&report, since).map_err(|error| bug(&error))?;
            out.data(page.as_bytes())?;
        }
        ReportFormat::Csv => {
            let csv = access_report_csv(&report, changes).map_err(|error| bug(&error))?;
            out.data(&csv)?;
        }
        ReportFormat::Json => {
            out.json(&access_report_json(&report, changes).map_err(|error| bug(&error))?)?;
        }
    }
    Ok(Exit::Done)
}

/// Reads the cluster, also at EKS if the kubeconfig names the cluster there, or the file, and evaluates it.
pub(super) fn of(
    sign_ins: &SignInArgs,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<AccessReport, Failure> {
    if let Err(failure) = backend.find_at_eks(out) {
        out.note(&format!(
            "warning: without access entries: {}",
            failure.message()
        ));
    }
    let read_by = backend.current_user(out)?;
    let requested = Requested {
        account: None,
        needs_aws: true,
        roles: RoleScope::All,
    };
    let (snapshot, facts) = cluster_facts(backend, &requested, out)?;
    let document = Document::read(&snapshot.data);
    let linted = lint(&snapshot.data, &document, &facts, &Selection::default());
    let mut not_read = Vec::new();
    let evidence = match sign_ins.since {
        None => None,
        Some(since) => {
            let store = Store::new(&document);
            let principals = MappedPrincipals::of(&store, facts.access_entries.as_deref());
            let source = unused::Source {
                log: &sign_ins.log,
                eks: backend.eks(),
                needs_log: true,
            };
            match source.evidence(since, &principals, backend, out) {
                Err(failure) if failure.exit() == Exit::Unreachable => {
                    not_read.push(format!("sign-ins ({})", failure.message()));
                    None
                }
                read => Some(read?),
            }
        }
    };
    let mode = facts.access_entries.as_ref().map(|entries| entries.mode());
    let head = Head {
        cluster: backend.to_string(),
        authentication_mode: mode.map(|mode| mode.name().to_owned()),
        read_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        read_by,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        not_read,
        signed_in_since: evidence
            .as_ref()
            .map(|evidence| evidence.log.since().to_string()),
    };
    let evidence = evidence.as_ref();
    Ok(AccessReport::new(
        &document, &facts, &linted, evidence, head,
    ))
}

fn compare(args: &DiffArgs, out: &mut Out) -> Result<Exit, Failure> {
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let difference = match (&old, &new) {
        (Stored::Cluster(old), Stored::Cluster(new)) => {
            if old.head.cluster != new.head.cluster {
                out.note(&format!(
                    "warning: the reports are of different clusters: {} and {}",
                    old.head.cluster, new.head.cluster
                ));
            }
            Difference::between(old, new)
        }
        (Stored::Fleet(old), Stored::Fleet(new)) => Difference::between_fleets(old, new),
        _ => {
            let message = "one report is of one cluster, the other of several";
            return Err(Failure::usage(message.to_owned()).hint(
                "compare two reports of `awsauth report`, or two of `awsauth fleet report`",
            ));
        }
    };
    match args.answer.output {
        Format::Human => out.text(&access_difference_text(&difference))?,
        Format::Json => {
            out.json(&access_difference_json(&difference).map_err(|error| Failure::bug(&error))?)?;
        }
    }
    Ok(match difference.is_same() {
        true => Exit::Done,
        false => Exit::No,
    })
}

/// The element of the HTML that contains the report as JSON.
const DATA: (&str, &str) = (
    r#"<script type="application/json" id="report">"#,
    "</script>",
);

/// A report that was written before.
pub(super) enum Stored {
    Cluster(AccessReport),
    Fleet(FleetReport),
}

/// Reads a JSON or HTML report.
pub(super) fn read(path: &Path) -> Result<Stored, Failure> {
    let failed = || Failure::usage(format!("cannot read the report {}", path.display()));
    let hint = "write one: awsauth report -o json > report.json";
    let bytes = bounded_read::file(path).map_err(|error| failed().because(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| failed().because(&error).hint(hint))?;
    let data = text
        .split_once(DATA.0)
        .and_then(|(_, rest)| rest.split_once(DATA.1));
    let data = data.map_or(text.as_str(), |(data, _)| data);
    let stored = serde_json::from_str(data).and_then(|value: Value| {
        if value.get("clusters").is_some() {
            serde_json::from_value(value).map(Stored::Fleet)
        } else {
            serde_json::from_value(value).map(Stored::Cluster)
        }
    });
    stored.map_err(|error| failed().because(&error).hint(hint))
}
