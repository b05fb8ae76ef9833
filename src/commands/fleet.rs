//! `awsauth fleet`.

mod fleet_cluster;
mod report;
mod rollout;
mod rollout_state;
mod runs;
mod selection;

use clap::Subcommand;

use super::list_args::ListArgs;
use super::unused::{LogArgs, PeriodArgs};
use super::{Format, OutputArgs, diff, get, lint, unmap, unused};
use crate::backend::{Backend, Target};
use crate::output::{
    ACCESS_HEADINGS, Cell, ClusterOutcome, FINDING_HEADINGS, FleetListing, FleetResult, FleetTable,
    FleetUnusedList, PlanFormat, access_rows, finding_rows, fleet_json,
};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::plan::Plan;
use fleet_cluster::FleetCluster;
use runs::{Limits, Run, run_all, write_all};
use selection::{Fleet, FleetArgs};

/// Work on many clusters at once
///
/// Runs a command for every selected cluster, several at the same time. Select clusters by kubeconfig context, by a file that lists
/// them, or by EKS region and account. A cluster that cannot be read appears as a row with its error. The exit code is the highest of all
/// clusters.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: FleetCommand,

    #[command(flatten)]
    fleet: FleetArgs,
}

const EXAMPLES: &str = "\
Examples:
  # Show who is an administrator of any production cluster
  awsauth fleet get --admins --contexts 'prod-*'

  # Apply the same access to all clusters of a file, one first
  awsauth fleet apply -f access.yaml --clusters clusters.yaml --canary staging

  # Remove a role from all EKS clusters of two regions
  awsauth fleet unmap role arn:aws:iam::111122223333:role/leaver --regions eu-west-1,us-east-1

  # Report on all clusters in one page
  awsauth fleet report --all-contexts -o html > access.html";

#[derive(Debug, Subcommand)]
enum FleetCommand {
    /// Show the mappings of all clusters
    #[command(after_help = "\
Examples:
  # Where does this role have access?
  awsauth fleet get --arn '*:role/dev' --all-contexts

  # All administrators, for a spreadsheet
  awsauth fleet get --admins --contexts 'prod-*' -o csv")]
    Get(GetArgs),
    /// Check the live aws-auth of all clusters
    #[command(after_help = "\
Examples:
  awsauth fleet lint --all-contexts --fail-on warning")]
    Lint(LintArgs),
    /// Show the changes that fleet apply would make
    ///
    /// Exits with 1 if there is a difference on any cluster.
    #[command(after_help = "\
Examples:
  awsauth fleet diff -f access.yaml --contexts 'prod-*'")]
    Diff(diff::Args),
    /// Apply the same desired state to all clusters, one first, and stop at the first failure
    ///
    /// Applies to the canary first, then to the other clusters in waves. After each write, awsauth reads aws-auth again and checks
    /// that nothing is left to apply; with --verify, it also signs in. A failure stops the rollout before the next wave. After the
    /// canary, a cluster that was unreachable and not changed does not count as one. The same command with --resume continues.
    #[command(after_help = "\
Examples:
  # First to the clusters with the label stage=test, then to 20 at a time
  awsauth fleet apply -f access.yaml --clusters clusters.yaml --canary stage=test --wave 20

  # Continue after the cause of a failure is fixed
  awsauth fleet apply -f access.yaml --clusters clusters.yaml --canary stage=test --wave 20 --resume")]
    Apply(rollout::ApplyArgs),
    /// Remove mappings from all clusters: of one principal, or all that match conditions
    #[command(after_help = "\
Examples:
  awsauth fleet unmap role arn:aws:iam::111122223333:role/leaver --all-contexts

  # From the clusters that have such an entry
  awsauth fleet unmap --group contractors --all-contexts --ignore-missing")]
    Unmap(unmap::Args),
    /// Report who has access to which cluster
    #[command(after_help = "\
Examples:
  # One page with a filter by cluster
  awsauth fleet report --clusters clusters.yaml -o html > access.html")]
    Report(report::ReportArgs),
    /// List the principals that have not signed in for some time
    ///
    /// Needs the names of the clusters at EKS: select them with --regions, or with clusterName in the file of clusters. Reading a long
    /// log can take longer than --deadline.
    #[command(after_help = "\
Examples:
  awsauth fleet unused --since 90d --regions eu-west-1,us-east-1 --deadline 10m")]
    Unused(UnusedArgs),
}

#[derive(Debug, clap::Args)]
struct UnusedArgs {
    #[command(flatten)]
    period: PeriodArgs,

    #[command(flatten)]
    answer: ListArgs,
}

#[derive(Debug, clap::Args)]
struct GetArgs {
    #[command(flatten)]
    answer: ListArgs,

    #[command(flatten)]
    query: get::Query,
}

#[derive(Debug, clap::Args)]
struct LintArgs {
    #[command(flatten)]
    rules: lint::RuleArgs,

    #[command(flatten)]
    answer: OutputArgs,
}

/// The result of a command on one cluster.
struct ClusterResult {
    result: FleetResult,
    rows: Vec<Vec<Cell>>,
}

/// The rows of one cluster.
struct ClusterRows {
    outcome: ClusterOutcome,
    result: FleetResult,
    rows: Vec<Vec<Cell>>,
}

/// Runs the command for each cluster.
pub(crate) fn run(
    args: Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    target.refuse_single_cluster(matches, "fleet")?;
    let Args { command, fleet } = args;
    let limits = &fleet.limits;
    let needs_credentials = match &command {
        FleetCommand::Apply(args) => args.apply.is_verified(),
        FleetCommand::Lint(_) | FleetCommand::Report(_) => true,
        _ => false,
    };
    let fleet = fleet.select(target, out)?;
    if !needs_credentials && fleet.is_without_eks() {
        target.refuse_credentials(matches)?;
    }
    match command {
        FleetCommand::Get(args) => get_all(args, fleet, limits, out),
        FleetCommand::Lint(args) => {
            let is_json = args.answer.output == Format::Json;
            let check = move |cluster: &FleetCluster, out: &mut Out| {
                let backend = Backend::open_cluster(&cluster.target, out)?;
                let (exit, report) = lint::of_cluster(&args.rules, is_json, backend, out)?;
                let result = ClusterResult {
                    result: match report.findings.is_empty() {
                        true => FleetResult::NoFindings,
                        false => FleetResult::Findings,
                    },
                    rows: finding_rows(&report),
                };
                Ok((exit, result))
            };
            let runs = run_all("Checking clusters", &fleet.clusters, limits, check, out);
            let rows = rows_of(fleet.and_unlisted(runs), FleetResult::NotRead, out);
            print(rows, &FINDING_HEADINGS, is_json, out)
        }
        FleetCommand::Diff(args) => {
            let is_json = is_json(args.output())?;
            let inputs = args.inputs(false)?;
            let compare = move |cluster: &FleetCluster, out: &mut Out| {
                let mut backend = Backend::open_cluster(&cluster.target, out)?;
                let plan = diff::compare(&args, &inputs, &cluster.target, &mut backend, out)?;
                if is_json {
                    diff::print_json(&plan, &backend, out)?;
                }
                diff::print_remarks(&plan, out);
                Ok((diff::exit(&plan), of_plan(&plan, true)))
            };
            let runs = run_all("Comparing clusters", &fleet.clusters, limits, compare, out);
            let rows = rows_of(fleet.and_unlisted(runs), FleetResult::NotRead, out);
            print(rows, &ACCESS_HEADINGS, is_json, out)
        }
        FleetCommand::Apply(args) => rollout::run(args, fleet, limits, out),
        FleetCommand::Unmap(args) => {
            let is_json = is_json(args.output())?;
            args.refuse_log()?;
            fleet.refuse_unlisted()?;
            args.confirm_for(fleet.clusters.len(), out)?;
            let is_dry = args.is_dry_run();
            let remove = move |cluster: &FleetCluster, out: &mut Out| {
                let mut backend = Backend::open_cluster(&cluster.target, out)?;
                let plan = unmap::unmap(&args, &mut backend, out)?;
                Ok((Exit::Done, of_plan(&plan, is_dry)))
            };
            let runs = write_all("Changing clusters", &fleet.clusters, limits, remove, out);
            print(
                rows_of(runs, FleetResult::Failed, out),
                &ACCESS_HEADINGS,
                is_json,
                out,
            )
        }
        FleetCommand::Report(args) => report::run(&args, fleet, limits, out),
        FleetCommand::Unused(args) => list_unused(args, fleet, limits, out),
    }
}

fn get_all(args: GetArgs, fleet: Fleet, limits: &Limits, out: &mut Out) -> Result<Exit, Failure> {
    let GetArgs { answer, query } = args;
    let read = move |cluster: &FleetCluster, out: &mut Out| {
        let mut backend = Backend::open_cluster(&cluster.target, out)?;
        get::rows(&query, &mut backend, out)
    };
    let (listed, failures) = read_all(read, fleet, limits, out);
    let mut listing = FleetListing::new(listed);
    let exit = exit(listing.outcomes());
    answer.print(&mut listing, out)?;
    out.failure(&failures);
    Ok(exit)
}

fn list_unused(
    args: UnusedArgs,
    fleet: Fleet,
    limits: &Limits,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let UnusedArgs { period, answer } = args;
    let read = move |cluster: &FleetCluster, out: &mut Out| {
        let mut backend = Backend::open_cluster(&cluster.target, out)?;
        let list = unused::list(&period, &LogArgs::default(), false, &mut backend, out)?;
        out.note(&list.summary());
        Ok((unused::exit(&list), list))
    };
    let (listed, failures) = read_all(read, fleet, limits, out);
    let list = FleetUnusedList::new(listed);
    let mut list = list.map_err(|error| Failure::bug(&error))?;
    let exit = exit(list.outcomes());
    answer.print(&mut list, out)?;
    out.failure(&failures);
    Ok(exit)
}

/// Reads all clusters. Returns the list of each, `None` if it cannot be read, and the text of the failures.
fn read_all<T: Send + 'static>(
    read: impl Fn(&FleetCluster, &mut Out) -> Result<(Exit, T), Failure> + Send + Sync + 'static,
    fleet: Fleet,
    limits: &Limits,
    out: &mut Out,
) -> (Vec<(ClusterOutcome, Option<T>)>, String) {
    let runs = run_all("Reading clusters", &fleet.clusters, limits, read, out);
    let mut failures = String::new();
    let listed = fleet.and_unlisted(runs).into_iter().map(|run| {
        out.forward(&run.cluster, &run.captured);
        failures += &run.failure_text(out.program());
        let outcome = outcome(&run);
        (outcome, run.done.ok().map(|(_, list)| list))
    });
    (listed.collect(), failures)
}

impl Fleet {
    /// Returns whether all clusters come from a kubeconfig.
    fn is_without_eks(&self) -> bool {
        let mut clusters = self.clusters.iter();
        self.unlisted.is_empty() && clusters.all(|one| one.target.cluster_name.is_none())
    }

    /// Adds the regions whose clusters cannot be listed.
    fn and_unlisted<T>(self, mut runs: Vec<Run<T>>) -> Vec<Run<T>> {
        let failed = |(name, failure)| Run::failed(name, failure);
        runs.extend(self.unlisted.into_iter().map(failed));
        runs
    }

    /// Refuses to write if some clusters are unknown.
    fn refuse_unlisted(&self) -> Result<(), Failure> {
        match self.unlisted.first() {
            None => Ok(()),
            Some((name, failure)) => Err(Failure::new(
                Kind::Unreachable,
                format!("nothing was written: {name}: {}", failure.message()),
            )
            .hint("leave out this region or account, or allow eks:ListClusters there")),
        }
    }
}

/// Refuses the format of GitHub Actions steps, which shows one cluster.
fn is_json(format: PlanFormat) -> Result<bool, Failure> {
    match format {
        PlanFormat::Human => Ok(false),
        PlanFormat::Json => Ok(true),
        PlanFormat::Github => Err(Failure::usage("cannot use -o github for several clusters")
            .hint("use -o json, or run the command for each cluster in a step of its own")),
    }
}

/// Returns the rows of a plan.
fn of_plan(plan: &Plan, is_dry: bool) -> ClusterResult {
    ClusterResult {
        result: match (plan.is_change(), is_dry) {
            (false, _) => FleetResult::Unchanged,
            (true, true) => FleetResult::WouldChange,
            (true, false) => FleetResult::Changed,
        },
        rows: access_rows(plan),
    }
}

/// Prints the notes of each cluster, and returns its rows. `failed` is the result for a cluster without rows.
fn rows_of(runs: Vec<Run<ClusterResult>>, failed: FleetResult, out: &mut Out) -> Vec<ClusterRows> {
    let rows = runs.into_iter().map(|run| {
        out.forward(&run.cluster, &run.captured);
        out.failure(&run.failure_text(out.program()));
        let outcome = outcome(&run);
        let (result, rows) = match run.done {
            Ok((_, done)) => (done.result, done.rows),
            Err(failure) if failure.exit() == Exit::RolledBack => {
                (FleetResult::RolledBack, Vec::new())
            }
            Err(_) => (failed, Vec::new()),
        };
        ClusterRows {
            outcome,
            result,
            rows,
        }
    });
    rows.collect()
}

/// Prints the rows of all clusters, and returns the exit code.
fn print(
    clusters: Vec<ClusterRows>,
    headings: &[&'static str],
    is_json: bool,
    out: &mut Out,
) -> Result<Exit, Failure> {
    if is_json {
        let outcomes: Vec<_> = clusters.into_iter().map(|one| one.outcome).collect();
        out.json(&fleet_json(&outcomes).map_err(|error| Failure::bug(&error))?)?;
        return Ok(exit(&outcomes));
    }
    let mut table = FleetTable::new(headings);
    for ClusterRows {
        outcome,
        result,
        rows,
    } in &clusters
    {
        match &outcome.error {
            Some(why) => table.add_failure(&outcome.cluster, *result, why),
            None => table.add(&outcome.cluster, *result, rows.clone()),
        }
    }
    out.text(&table.render(out.width()))?;
    let outcomes: Vec<_> = clusters.into_iter().map(|one| one.outcome).collect();
    Ok(exit(&outcomes))
}

/// Returns the result of a run in its JSON form.
fn outcome<T>(run: &Run<T>) -> ClusterOutcome {
    ClusterOutcome {
        cluster: run.cluster.clone(),
        exit: Some(run.exit()),
        // Output for users is not JSON.
        result: serde_json::from_slice(&run.captured.stdout).ok(),
        error: run.done.as_ref().err().map(Failure::message),
    }
}

/// Returns the exit code for all clusters: the highest one.
fn exit(outcomes: &[ClusterOutcome]) -> Exit {
    let exits = outcomes.iter().filter_map(|outcome| outcome.exit);
    exits.max_by_key(|exit| exit.code()).unwrap_or(Exit::Done)
}
