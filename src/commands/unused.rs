//! `awsauth unused`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, Unit};
use serde::Deserialize;

use super::list_args::ListArgs;
use crate::backend::input_files::is_stdin;
use crate::backend::{Backend, bounded_read};
use crate::output::UnusedList;
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_aws::ActionError;
use awsauth_aws::eks::EksCluster;
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::{MappedPrincipals, Store};
use awsauth_core::document::Document;
use awsauth_core::expiry::parse_duration;
use awsauth_core::facts::iam_inventory::RoleUse;
use awsauth_core::sign_in_log::SignInLog;
use awsauth_core::unused_access::{UsageEvidence, usage};

/// The delay before the spinner appears.
const SPINNER_DELAY: Duration = Duration::from_millis(300);

/// List the principals that have not signed in for some time
///
/// Reads the sign-ins in the log of the cluster's authenticator, from CloudWatch Logs or from files, and when IAM last saw each role of
/// the cluster's account. A principal is unused only if the log has no gaps, or if IAM proves it; otherwise, or if it got its access during the period, it is unknown. The log must be
/// enabled in EKS and be kept for the whole period: a day without a sign-in counts as a gap, because nodes sign in every day. The
/// name of the cluster may be that of the kubeconfig's context.
///
/// Exits with 1 if some principals are unused, and with 3 if nothing is known about any.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Which principals have not signed in for 90 days?
  awsauth unused --since 90d --cluster-name prod

  # The same from a log that was exported
  aws logs filter-log-events --log-group-name /aws/eks/prod/cluster \\
    --log-stream-name-prefix authenticator- --filter-pattern '\"access granted\"' > log.json
  awsauth unused --since 30d --log log.json

  # As a spreadsheet
  awsauth unused --cluster-name prod -o csv")]
pub(crate) struct Args {
    #[command(flatten)]
    period: PeriodArgs,

    #[command(flatten)]
    log: LogArgs,

    #[command(flatten)]
    answer: ListArgs,
}

/// The period.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PeriodArgs {
    /// Since when, such as 90d, 12w or 2026-08-01T00:00:00Z
    #[arg(
        long,
        env = "AWSAUTH_SINCE",
        value_name = "TIME",
        default_value = "90d"
    )]
    since: Since,
}

/// Files with the log of sign-ins.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct LogArgs {
    /// Read the authenticator's log from a file instead of CloudWatch Logs: its lines, or what `aws logs filter-log-events` prints; - for stdin
    #[arg(long, env = "AWSAUTH_LOG", value_name = "PATH")]
    pub(super) log: Vec<PathBuf>,
}

/// The start of a period.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    Ago(SignedDuration),
    At(Timestamp),
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        let ago = parse_duration(text).ok_or_else(|| {
            "write how long ago, such as 90d, or a time such as 2026-08-01T00:00:00Z".to_owned()
        })?;
        match ago.is_positive() {
            true => Ok(Self::Ago(ago)),
            false => Err("the period must begin in the past".to_owned()),
        }
    }
}

impl Since {
    fn before(self, now: Timestamp) -> Result<Timestamp, Failure> {
        let since = match self {
            Self::At(time) => time,
            Self::Ago(ago) => now
                .checked_sub(ago)
                .and_then(|since| since.round(Unit::Second))
                .map_err(|error| Failure::usage("--since").because(&error))?,
        };
        if since >= now {
            return Err(Failure::usage(format!("--since {since} is in the future")));
        }
        Ok(since)
    }
}

/// Prints when each principal signed in.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let mut list = list(&args.period, &args.log, false, backend, out)?;
    args.answer.print(&mut list, out)?;
    out.note(&list.summary());
    Ok(exit(&list))
}

/// Returns the exit code for one cluster.
pub(super) fn exit(list: &UnusedList) -> Exit {
    if list.unused().next().is_some() {
        return Exit::No;
    }
    match list.is_unknown() {
        true => Exit::Unreachable,
        false => Exit::Done,
    }
}

/// Reads which principals can sign in, and when they did. `needs_log` is that of [`Source`].
pub(super) fn list(
    period: &PeriodArgs,
    log: &LogArgs,
    needs_log: bool,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<UnusedList, Failure> {
    let document = Document::read(&backend.read(out)?.snapshot.data);
    let entries = backend.access_entries(&|_| true, out);
    let store = Store::new(&document);
    let principals = MappedPrincipals::of(&store, entries.as_deref());
    let described = match (log.log.is_empty(), backend.eks()) {
        (true, None) => backend.described_by_kubeconfig(out)?,
        _ => None,
    };
    let source = Source {
        log,
        eks: backend.eks().or(described.as_ref()),
        needs_log,
    };
    let evidence = source.evidence(period.since, &principals, backend, out)?;
    let usages = usage(&principals, &evidence);
    Ok(UnusedList::new(&evidence.log, usages))
}

/// Where sign-ins are read.
pub(super) struct Source<'a> {
    pub(super) log: &'a LogArgs,
    /// The cluster whose log is in CloudWatch Logs, and whose account's roles are in IAM.
    pub(super) eks: Option<&'a EksCluster>,
    /// Whether to fail if CloudWatch Logs does not return the log. Otherwise, only IAM can prove that a principal is unused.
    pub(super) needs_log: bool,
}

impl Source<'_> {
    /// Reads the log of sign-ins and the history, and asks IAM about the roles among the principals.
    pub(super) fn evidence(
        &self,
        since: Since,
        principals: &MappedPrincipals<'_>,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<UsageEvidence, Failure> {
        let now = Timestamp::now();
        let mut log = SignInLog::new(since.before(now)?, now);
        let log_doubt = match (self.log.log.as_slice(), self.eks) {
            ([], None) => {
                return Err(Failure::usage(
                    "without the name of the EKS cluster, the log of sign-ins cannot be read",
                )
                .hint("name the cluster: --cluster-name NAME; or give the log: --log FILE"));
            }
            ([], Some(eks)) => match read_cloudwatch(eks, &mut log, out) {
                Err(failure) if !self.needs_log && failure.exit() == Exit::Unreachable => {
                    out.failure(&failure.render(out.program()));
                    out.note("hint: or read the log from a file: --log FILE");
                    // Lines that were read before the failure may come from any part of the period.
                    Some("the log could not be read".to_owned())
                }
                read => read?,
            },
            (files, _) => {
                read_files(files, &mut log)?;
                None
            }
        };
        let (account, roles) = match self.eks {
            Some(eks) => (
                eks.facts.account().to_owned(),
                role_uses(eks, principals, out),
            ),
            None => Default::default(),
        };
        let granted = match backend.has_server() {
            true => match backend.history(out) {
                Ok(history) => history.grants(),
                Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
                Err(_) => BTreeMap::new(),
            },
            false => BTreeMap::new(),
        };
        Ok(UsageEvidence {
            log,
            log_doubt,
            granted,
            account,
            roles,
        })
    }
}

/// Reads the log of a cluster. Returns why it may be incomplete.
fn read_cloudwatch(
    eks: &EksCluster,
    log: &mut SignInLog,
    out: &mut Out,
) -> Result<Option<String>, Failure> {
    let name = &eks.facts.name;
    let not_read = |error: ActionError| {
        Failure::new(Kind::Unreachable, format!("cannot read the log of {name}"))
            .because(&error)
            .hint(error.hint())
    };
    let mut logs = eks.logs().map_err(not_read)?;
    let Some(group) = logs.cluster_group(name).map_err(not_read)? else {
        let hint = format!(
            "hint: enable it: aws eks update-cluster-config --name {name} --logging '{{\"clusterLogging\":[{{\"types\":[\"authenticator\"],\"enabled\":true}}]}}'"
        );
        out.note("warning: CloudWatch Logs has no log of this cluster.");
        out.note(&hint);
        return Ok(Some("the cluster's log does not exist".to_owned()));
    };
    out.note(&format!(
        "Reading the authenticator's log since {}. The log group of {name} stores {} MiB.",
        log.since().strftime("%Y-%m-%d"),
        group.stored_bytes >> 20
    ));
    let (since, until) = (log.since(), log.until());
    let _spinner = out.spinner("Asking CloudWatch Logs", SPINNER_DELAY);
    let read = logs.sign_ins(name, since, until, |line| log.add_line(line));
    read.map_err(not_read)?;
    let days = until.duration_since(since).as_hours() / 24;
    Ok(match group.retention_in_days {
        _ if !eks.facts.logs_authenticator => {
            Some("the authenticator's log is disabled now".to_owned())
        }
        Some(kept) if i64::from(kept) < days => {
            Some(format!("the log is kept for {kept} days only"))
        }
        _ => None,
    })
}

/// Reads logs from files.
fn read_files(paths: &[PathBuf], log: &mut SignInLog) -> Result<(), Failure> {
    for path in paths {
        let bytes = match is_stdin(path) {
            true => bounded_read::stdin(),
            false => bounded_read::file(path),
        };
        let bytes = bytes.map_err(|error| unreadable(path).because(&error))?;
        let text = String::from_utf8_lossy(&bytes);
        match serde_json::from_str::<ExportedLog>(&text) {
            Ok(exported) => exported
                .events
                .iter()
                .for_each(|event| log.add_line(&event.message)),
            Err(error) if text.trim_start().starts_with('{') => {
                return Err(unreadable(path).because(&error));
            }
            Err(_) => text.lines().for_each(|line| log.add_line(line)),
        }
    }
    Ok(())
}

fn unreadable(path: &Path) -> Failure {
    Failure::usage(format!("cannot read the log {}", path.display())).hint(
        "give the lines of the authenticator's log, or what `aws logs filter-log-events` prints",
    )
}

/// What `aws logs filter-log-events` prints.
#[derive(Deserialize)]
struct ExportedLog {
    events: Vec<ExportedEvent>,
}

#[derive(Deserialize)]
struct ExportedEvent {
    message: String,
}

/// Asks IAM when the mapped roles of the cluster's account were last used.
fn role_uses(
    eks: &EksCluster,
    principals: &MappedPrincipals<'_>,
    out: &mut Out,
) -> BTreeMap<String, Option<RoleUse>> {
    let parts = principals
        .all()
        .iter()
        .filter_map(|one| Parts::of(one.name()));
    let roles = parts.filter(|arn| arn.is("iam", "role") && arn.account == eks.facts.account());
    let names: BTreeSet<String> = roles.map(|arn| arn.name.to_owned()).collect();
    if names.is_empty() {
        return BTreeMap::new();
    }
    let spinner = out.spinner("Asking IAM", SPINNER_DELAY);
    let answer = eks.iam().and_then(|mut iam| iam.role_uses(&names));
    drop(spinner);
    answer.unwrap_or_else(|error| {
        out.note(&format!(
            "warning: IAM did not return when roles were last used: {error}"
        ));
        out.note(&format!("hint: {}", error.hint()));
        BTreeMap::new()
    })
}
