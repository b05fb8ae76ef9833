//! `awsauth fleet report`.

use super::runs::{Limits, run_all};
use super::selection::{Fleet, FleetCluster};
use super::{exit, outcome};
use crate::backend::Backend;
use crate::commands::OutputArgs;
use crate::commands::report::{self, ReportFormat, SignInArgs};
use crate::commands::unused::Since;
use crate::output::{
    ClusterAccess, access_report_json, fleet_json, fleet_report_csv, fleet_report_html,
    fleet_report_markdown,
};
use crate::terminal::{Exit, Failure, Out};

#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    answer: OutputArgs<ReportFormat>,

    /// Also report who signed in since this time, such as 90d or 2026-08-01T00:00:00Z
    #[arg(long, env = "AWSAUTH_SINCE", value_name = "TIME")]
    since: Option<Since>,
}

/// Reports on all clusters in one file.
pub(super) fn run(
    args: &ReportArgs,
    fleet: Fleet,
    limits: &Limits,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let format = args.answer.output;
    let sign_ins = SignInArgs::since(args.since);
    let read = move |cluster: &FleetCluster, out: &mut Out| {
        let mut backend = Backend::open_cluster(&cluster.target, out)?;
        let report = report::of(&sign_ins, &mut backend, out)?;
        if format == ReportFormat::Json {
            out.json(&access_report_json(&report).map_err(|error| Failure::bug(&error))?)?;
        }
        Ok((Exit::Done, report))
    };
    let runs = run_all("Reading clusters", &fleet.clusters, limits, read, out);
    let runs = fleet.and_unlisted(runs);
    let outcomes: Vec<_> = runs.iter().map(outcome).collect();
    let mut failures = String::new();
    let clusters = runs.into_iter().map(|run| {
        out.forward(&run.cluster, &run.captured);
        failures += &run.failure_text(out.program());
        ClusterAccess {
            cluster: run.cluster,
            report: match run.done {
                Ok((_, report)) => Ok(report),
                Err(failure) => Err(failure.message()),
            },
        }
    });
    let clusters: Vec<ClusterAccess> = clusters.collect();
    let bug = |error: &dyn std::error::Error| Failure::bug(error);
    match format {
        ReportFormat::Markdown => out.text(&fleet_report_markdown(&clusters))?,
        ReportFormat::Html => {
            let page = fleet_report_html(&clusters).map_err(|error| bug(&error))?;
            out.data(page.as_bytes())?;
        }
        ReportFormat::Csv => {
            out.data(&fleet_report_csv(&clusters).map_err(|error| bug(&error))?)?
        }
        ReportFormat::Json => out.json(&fleet_json(&outcomes).map_err(|error| bug(&error))?)?,
    }
    out.failure(&failures);
    Ok(exit(&outcomes))
}
