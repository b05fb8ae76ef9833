//! `awsauth fleet report`.

use std::path::PathBuf;

use super::fleet_cluster::FleetCluster;
use super::runs::{Limits, run_all};
use super::selection::Fleet;
use super::{exit, outcome};
use crate::backend::Backend;
use crate::commands::OutputArgs;
use crate::commands::report::{self, ReportFormat, SignInArgs, Stored};
use crate::commands::unused::Since;
use crate::output::{
    access_report_json, fleet_report_csv, fleet_report_html, fleet_report_json,
    fleet_report_markdown,
};
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::access_report::{ClusterReport, Difference, FleetReport};

#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    answer: OutputArgs<ReportFormat>,

    /// Show the changes since this report of several clusters, which was written with -o json or -o html
    #[arg(long, env = "AWSAUTH_PREVIOUS", value_name = "REPORT")]
    previous: Option<PathBuf>,

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
    let previous = match &args.previous {
        Some(path) => match report::read(path)? {
            Stored::Fleet(previous) => Some((path.display().to_string(), previous)),
            Stored::Cluster(_) => {
                let message = format!("the report {} is of one cluster", path.display());
                let hint =
                    "compare it with a report of one cluster: awsauth report --previous REPORT";
                return Err(Failure::usage(message).hint(hint));
            }
        },
        None => None,
    };
    let format = args.answer.output;
    let sign_ins = SignInArgs::since(args.since);
    let read = move |cluster: &FleetCluster, out: &mut Out| {
        let mut backend = Backend::open_cluster(&cluster.target, out)?;
        let report = report::of(&sign_ins, &mut backend, out)?;
        if format == ReportFormat::Json {
            out.json(&access_report_json(&report, None).map_err(|error| Failure::bug(&error))?)?;
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
        let (report, error) = match run.done {
            Ok((_, report)) => (Some(report), None),
            Err(failure) => (None, Some(failure.message())),
        };
        ClusterReport {
            cluster: run.cluster,
            report,
            error,
        }
    });
    let report = FleetReport {
        clusters: clusters.collect(),
    };
    let difference = previous
        .as_ref()
        .map(|(name, previous)| (name.as_str(), Difference::between_fleets(previous, &report)));
    let since = difference
        .as_ref()
        .map(|(name, difference)| (*name, difference));
    let changes = since.map(|(_, difference)| difference);
    let bug = |error: &dyn std::error::Error| Failure::bug(error);
    match format {
        ReportFormat::Markdown => out.text(&fleet_report_markdown(&report, since))?,
        ReportFormat::Html => {
            let page = fleet_report_html(&report, since).map_err(|error| bug(&error))?;
            out.data(page.as_bytes())?;
        }
        ReportFormat::Csv => {
            out.data(&fleet_report_csv(&report, changes).map_err(|error| bug(&error))?)?;
        }
        ReportFormat::Json => {
            let text = fleet_report_json(&outcomes, changes).map_err(|error| bug(&error))?;
            out.json(&text)?;
        }
    }
    out.failure(&failures);
    Ok(exit(&outcomes))
}
