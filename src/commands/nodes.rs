//! `awsauth nodes`.

mod fix;

use std::sync::Arc;

use super::write_args::{DryRun, Overrides, WriteArgs, refuse_without_fix};
use super::{Format, OutputArgs};
use crate::backend::{Backend, ClusterNodes};
use crate::output::{NodesRead, PlanFormat, nodes_json, nodes_text};
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::authenticator::AccessEntries;
use awsauth_core::document::Document;
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::node_report::{NodeReport, NodeReportInput, report};

/// Show the IAM roles of nodes, and whether their nodes can join
///
/// Shows each role that nodes use or will use, where it is mapped, where it must be mapped in the authentication mode of the
/// cluster, and what is wrong. With --cluster-name, reads managed node groups, Fargate profiles, Karpenter's and Auto Mode's
/// node classes, instances and Auto Scaling groups with the tag kubernetes.io/cluster/NAME, and the nodes. Without it, reads only what
/// Kubernetes has.
///
/// Exits with 1 if the nodes of a role cannot join, and with 3 if none is wrong but something could not be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth nodes --cluster-name prod

  # Map unmapped roles, and repair access entries
  awsauth nodes --cluster-name prod --fix --dry-run
  awsauth nodes --cluster-name prod --fix")]
pub(crate) struct Args {
    #[command(flatten)]
    answer: OutputArgs,

    #[command(flatten)]
    fix: FixArgs,
}

/// Whether and how to map unmapped roles.
#[derive(Clone, Debug, clap::Args)]
struct FixArgs {
    /// Map unmapped roles, recreate dead access entries, and associate missing policies
    #[arg(long)]
    fix: bool,

    /// With --fix, show the changes and make none; without a value, the API server checks those of aws-auth
    #[arg(long, env = "AWSAUTH_DRY_RUN", value_enum, value_name = "MODE", default_value_t, default_missing_value = "auto", num_args = 0..=1, require_equals = true)]
    dry_run: DryRun,

    /// With --fix, the reason to record in the history
    #[arg(long, env = "AWSAUTH_REASON", value_name = "TEXT")]
    reason: Option<String>,

    /// With --fix, map this role even if only a tag connects its instances with the cluster; may be repeated
    #[arg(long = "node-role", value_name = "ARN")]
    node_roles: Vec<String>,

    /// With --fix, do not ask before changing access entries, or before mapping roles that are known only by a tag
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    overrides: Overrides,
}

impl FixArgs {
    /// Returns the arguments of the write to aws-auth.
    fn write_args(&self, format: Format) -> WriteArgs {
        WriteArgs {
            dry_run: self.dry_run,
            answer: OutputArgs {
                output: match format {
                    Format::Json => PlanFormat::Json,
                    Format::Human => PlanFormat::Human,
                },
            },
            reason: self.reason.clone(),
            overrides: self.overrides.clone(),
        }
    }
}

/// Shows the roles, and maps those that are missing.
pub(crate) fn run(
    args: &Args,
    matches: &clap::ArgMatches,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Exit, Failure> {
    if !args.fix.fix {
        refuse_without_fix::<FixArgs>(matches, "nodes")?;
    }
    let state = State::read(backend, out)?;
    let found = state.report();
    if !args.fix.fix {
        state.print(&found, args.answer.output, out)?;
        return Ok(state.exit(found.is_good()));
    }
    if args.answer.output == Format::Human {
        state.print(&found, Format::Human, out)?;
    }
    let entries = state.access_entries.as_deref();
    let entries = entries.and_then(AccessEntries::all).unwrap_or_default();
    if fix::run(args, &state, entries, backend, out)? {
        let state = State::read(backend, out)?;
        let found = state.report();
        if args.answer.output == Format::Json {
            state.print(&found, Format::Json, out)?;
        }
        return Ok(state.exit(found.is_good()));
    }
    if args.answer.output == Format::Json {
        state.print(&found, Format::Json, out)?;
    }
    Ok(state.exit(fix::is_complete(args, &found)))
}

/// The inputs of the report.
pub(super) struct State {
    document: Document,
    /// `None` if the authentication mode is unknown.
    access_entries: Option<Arc<AccessEntries>>,
    nodes: ClusterNodes,
    /// The name and the ARN of the cluster, if EKS was asked.
    cluster: Option<(String, String)>,
}

impl State {
    /// Reads aws-auth, the access entries, and the sources of nodes.
    pub(super) fn read(backend: &mut Backend, out: &mut Out) -> Result<Self, Failure> {
        let (document, nodes) = backend.cluster_nodes(out)?;
        let mut access_entries = backend.access_configuration(out);
        if access_entries.is_none() && backend.eks().is_some() {
            // EKS reports no mode for clusters without access entries.
            let mode = AuthenticationMode::ConfigMap;
            access_entries = Some(Arc::new(AccessEntries::new(mode, None)));
        }
        let facts = backend.eks().map(|eks| &eks.facts);
        Ok(Self {
            document,
            access_entries,
            nodes,
            cluster: facts.map(|facts| (facts.name.clone(), facts.arn.clone())),
        })
    }

    /// Returns whether there is an aws-auth with a section.
    fn has_text(&self) -> bool {
        let mut sections = self.document.sections();
        sections.any(|section| section.text().is_some())
    }

    pub(super) fn report(&self) -> NodeReport<'_> {
        report(&self.input())
    }

    pub(super) fn input(&self) -> NodeReportInput<'_> {
        let cluster = self.cluster.as_ref();
        NodeReportInput {
            document: &self.document,
            access_entries: self.access_entries.as_deref(),
            cluster: cluster.map(|(name, _)| name.as_str()),
            cluster_arn: cluster.map(|(_, arn)| arn.as_str()),
            node_inventory: &self.nodes.node_inventory,
            nodes: self.nodes.nodes.as_deref(),
            principals: self.nodes.principals.as_ref(),
        }
    }

    /// Prints what could not be read, and the nodes whose role is unknown.
    pub(super) fn warn(&self, out: &mut Out) {
        for unread in &self.nodes.unread {
            out.note(&format!("warning: {}", unread.message));
            out.note(&format!("hint: {}", unread.hint));
        }
        let report = self.report();
        for unknown in self.nodes.unknown.iter().chain(&report.unknown) {
            out.note(&format!("Not checked: {}: {}.", unknown.nodes, unknown.why));
        }
    }

    fn print(&self, found: &NodeReport<'_>, format: Format, out: &mut Out) -> Result<(), Failure> {
        let entries = self.access_entries.as_deref();
        let read = NodesRead {
            report: found,
            cluster: self.cluster.as_ref().map(|(name, _)| name.as_str()),
            mode: entries.map(|entries| entries.mode().name()),
            unknown: &self.nodes.unknown,
            unread: &self.nodes.unread,
        };
        match format {
            Format::Human => out.text(&nodes_text(&read, out.width()))?,
            Format::Json => out.json(&nodes_json(&read).map_err(|error| Failure::bug(&error))?)?,
        }
        Ok(())
    }

    fn exit(&self, is_good: bool) -> Exit {
        let entries = self.access_entries.as_deref();
        let lacks_entries = entries.is_some_and(|entries| entries.all().is_none());
        match is_good {
            false => Exit::No,
            true if !self.nodes.unread.is_empty() || lacks_entries => Exit::Unreachable,
            true => Exit::Done,
        }
    }
}
