//! `awsauth fleet apply`: one cluster first, then the others in waves.

use std::num::NonZeroUsize;
use std::sync::Arc;

use clap::builder::FalseyValueParser;
use sha2::{Digest, Sha256};

use super::fleet_cluster::{FleetCluster, Label};
use super::rollout_state::{Progress, RolloutState};
use super::runs::{Limits, Run, write_all};
use super::selection::Fleet;
use super::{ClusterResult, ClusterRows, is_json, of_plan, print, rows_of};
use crate::backend::input_files::Input;
use crate::backend::{Backend, Target, ask};
use crate::commands::confirmation::declined;
use crate::commands::write_args::DryRun;
use crate::commands::{apply, diff};
use crate::output::{ACCESS_HEADINGS, ClusterOutcome, FleetResult};
use crate::terminal::{Exit, Failure, Kind, Out};

#[derive(Debug, clap::Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    pub(super) apply: apply::Args,

    /// The clusters to change first, by name or by label; without it, the first cluster
    #[arg(long, env = "AWSAUTH_CANARY", value_name = "NAME|KEY=VALUE")]
    canary: Option<String>,

    /// How many clusters to change before awsauth checks whether to continue; without it, as many as --concurrency
    #[arg(long, env = "AWSAUTH_WAVE", value_name = "NUMBER")]
    wave: Option<NonZeroUsize>,

    /// Continue a rollout that was stopped: skip the clusters that are done
    #[arg(long, env = "AWSAUTH_RESUME", value_parser = FalseyValueParser::new())]
    resume: bool,
}

/// The clusters in the order in which they are changed.
struct Waves {
    canary: Vec<FleetCluster>,
    others: Vec<FleetCluster>,
}

/// Applies the desired state to all clusters.
pub(super) fn run(
    args: ApplyArgs,
    fleet: Fleet,
    limits: &Limits,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let is_json = is_json(args.apply.output())?;
    fleet.refuse_unlisted()?;
    let ApplyArgs {
        apply,
        canary,
        wave,
        resume,
    } = args;
    let inputs = apply.desired.inputs(false)?;
    let id = rollout_id(&apply, &inputs);
    let apply = Arc::new((apply, inputs));
    if apply.0.write.dry_run != DryRun::None {
        let runs = apply_to(&fleet.clusters, &apply, limits, out);
        let rows = rows_of(runs, FleetResult::Failed, out);
        return print(rows, &ACCESS_HEADINGS, is_json, out);
    }
    let mut state = match resume {
        true => RolloutState::resume(&id)?,
        false => RolloutState::start(&id)?,
    };
    let waves = Waves::of(fleet.clusters, canary.as_deref())?;
    let (waves, done) = waves.without(|cluster| state.of(&cluster.key()) == Some(Progress::Done));
    let done = done.into_iter();
    let mut rows: Vec<ClusterRows> = done
        .map(|name| without_run(name, FleetResult::DoneBefore))
        .collect();
    waves.confirm(apply.0.yes, out)?;
    let size = wave.unwrap_or(limits.concurrency).get();
    let waves = std::iter::once(waves.canary.as_slice()).chain(waves.others.chunks(size));
    let mut is_stopped = false;
    for (number, clusters) in waves.enumerate() {
        if is_stopped {
            let names = clusters.iter().map(|cluster| cluster.name.clone());
            rows.extend(names.map(|name| without_run(name, FleetResult::NotStarted)));
            continue;
        }
        let keys = || clusters.iter().map(FleetCluster::key);
        state.record(keys().map(|key| (key, Progress::Started)))?;
        let runs = apply_to(clusters, &apply, limits, out);
        let progress = runs.iter().map(|run| match run.done {
            Ok(_) => Progress::Done,
            Err(_) => Progress::Failed,
        });
        state.record(keys().zip(progress))?;
        // An unreachable cluster does not hold up the others, but the canary must show that the change works.
        let may_continue = |failure: &Failure| {
            number > 0 && failure.exit() == Exit::Unreachable && !failure.is_after_change()
        };
        let stops = |run: &Run<ClusterResult>| {
            run.done
                .as_ref()
                .is_err_and(|failure| !may_continue(failure))
        };
        is_stopped = runs.iter().any(stops);
        rows.extend(rows_of(runs, FleetResult::Failed, out));
    }
    conclude(state, &rows, is_stopped, out)?;
    print(rows, &ACCESS_HEADINGS, is_json, out)
}

impl Waves {
    /// Chooses the canary: the first cluster, or those with this name or label.
    fn of(clusters: Vec<FleetCluster>, canary: Option<&str>) -> Result<Self, Failure> {
        let first = clusters.first().map(|cluster| cluster.name.clone());
        let name = canary.map(str::to_owned).or(first);
        let label = canary.and_then(|canary| canary.parse::<Label>().ok());
        let is_canary = |cluster: &FleetCluster| {
            Some(&cluster.name) == name.as_ref()
                || label.as_ref().is_some_and(|label| cluster.has(label))
        };
        let names: Vec<_> = clusters.iter().map(|one| one.name.clone()).collect();
        let (canary, others): (Vec<_>, _) = clusters.into_iter().partition(is_canary);
        match (canary.is_empty(), name) {
            (true, Some(name)) => Err(Failure::usage(format!(
                "no selected cluster has the name or label {name}"
            ))
            .hint(format!("the clusters are {}", names.join(", ")))),
            _ => Ok(Self { canary, others }),
        }
    }

    /// Leaves out the clusters that are done. Returns their names, too.
    fn without(self, is_done: impl Fn(&FleetCluster) -> bool) -> (Self, Vec<String>) {
        let split = |clusters: Vec<FleetCluster>| -> (Vec<_>, Vec<_>) {
            clusters.into_iter().partition(&is_done)
        };
        let (done, canary) = split(self.canary);
        let (done_later, others) = split(self.others);
        let done = done.into_iter().chain(done_later);
        (
            Self { canary, others },
            done.map(|cluster| cluster.name).collect(),
        )
    }

    /// Asks the user on a terminal.
    fn confirm(&self, yes: bool, out: &mut Out) -> Result<(), Failure> {
        let count = self.canary.len() + self.others.len();
        if yes || count == 0 || !out.can_ask() {
            return Ok(());
        }
        let first: Vec<&str> = self.canary.iter().map(|one| one.name.as_str()).collect();
        let question = match first.as_slice() {
            [] => format!("Change {count} clusters?"),
            first => format!("Change {count} clusters, {} first?", first.join(", ")),
        };
        match ask(&question, out)? {
            true => Ok(()),
            false => Err(declined("written")),
        }
    }
}

/// Applies to these clusters, and checks each write.
fn apply_to(
    clusters: &[FleetCluster],
    apply: &Arc<(apply::Args, Vec<Input>)>,
    limits: &Limits,
    out: &Out,
) -> Vec<Run<ClusterResult>> {
    let apply = Arc::clone(apply);
    let change = move |cluster: &FleetCluster, out: &mut Out| {
        let (args, inputs) = &*apply;
        let is_dry = args.write.dry_run != DryRun::None;
        let mut backend = Backend::open_cluster(&cluster.target, out)?;
        let plan = apply::apply(args, inputs, &cluster.target, &mut backend, out)?;
        if !is_dry {
            check(args, inputs, &cluster.target, &mut backend, out)?;
        }
        Ok((Exit::Done, of_plan(&plan, is_dry)))
    };
    write_all("Changing clusters", clusters, limits, change, out)
}

/// Reads aws-auth again, and checks that nothing is left to apply.
fn check(
    args: &apply::Args,
    inputs: &[Input],
    target: &Target,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let read = diff::plan(&args.desired, inputs, target, backend, out);
    let left = read.map_err(|failure| {
        let failure = failure.of_kind(Kind::NotRolledBack);
        failure.at("aws-auth was written, but could not be read again")
    })?;
    // EKS may show a change to access entries only after some seconds.
    match left.changes_aws_auth() {
        false => Ok(()),
        true => Err(Failure::new(
            Kind::NotRolledBack,
            "aws-auth was written, but another client changed it right afterwards",
        )
        .hint("find out which one: awsauth history")),
    }
}

fn without_run(cluster: String, result: FleetResult) -> ClusterRows {
    ClusterRows {
        outcome: ClusterOutcome {
            cluster,
            exit: None,
            result: None,
            error: None,
        },
        result,
        rows: Vec::new(),
    }
}

/// Removes the state if everything is done; otherwise prints how to continue.
fn conclude(
    state: RolloutState,
    rows: &[ClusterRows],
    is_stopped: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let failed = rows
        .iter()
        .filter(|row| row.outcome.error.is_some())
        .count();
    if failed == 0 && !is_stopped {
        return state.remove();
    }
    let count = |result| rows.iter().filter(|row| row.result == result).count();
    let not_started = count(FleetResult::NotStarted);
    let done = rows.len() - failed - not_started;
    if is_stopped {
        out.note("Stopped at the first failure.");
    }
    out.note(&format!(
        "Done: {done}, failed: {failed}, not started: {not_started}. To continue, run the same command with --resume."
    ));
    out.detail(|| format!("The state is in {}", state.path().display()));
    Ok(())
}

/// Returns an ID for the content and options of a rollout. It does not depend on the clusters, so that more can be added.
fn rollout_id(args: &apply::Args, inputs: &[Input]) -> String {
    let desired = &args.desired;
    let options = (
        &desired.owner,
        desired.prune,
        desired.take_over,
        desired.as_written,
        desired.store.choice(&args.write.overrides),
    );
    let digest = Sha256::new_with_prefix(format!("{options:?}"));
    let digest = inputs.iter().fold(digest, |digest, input| {
        digest.chain_update(Sha256::digest(&input.text))
    });
    hex::encode(&digest.finalize()[..16])
}
