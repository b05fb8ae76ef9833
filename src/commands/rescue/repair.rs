//! The repair of aws-auth.

use super::caller::map_command;
use crate::backend::Backend;
use crate::commands::nodes;
use crate::commands::restore::Restoration;
use crate::terminal::{Failure, Kind, Out};
use crate::write::{Mode, Options, write_edits};
use awsauth_aws::credentials::Caller;
use awsauth_core::arn::comparable;
use awsauth_core::document::edit::Edit;
use awsauth_core::plan::Allowed;
use awsauth_core::shell_quote::quoted;

/// The source of the repaired aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The latest aws-auth in the history.
    History,
    /// The roles of the cluster's nodes.
    Nodes,
    /// A revision of the history, or a file.
    Named(String),
}

/// Parses the value of `--from`.
pub(super) fn source(text: &str) -> Result<Source, String> {
    match text {
        "" => Err("give history, nodes, a revision or a file".to_owned()),
        "history" => Ok(Source::History),
        "nodes" => Ok(Source::Nodes),
        name => Ok(Source::Named(name.to_owned())),
    }
}

impl Source {
    /// Repairs aws-auth with an ordinary write, or its dry run.
    pub(super) fn repair(
        &self,
        is_dry_run: bool,
        reason: &str,
        caller: &Caller,
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let options = Options {
            mode: match is_dry_run {
                true => Mode::ServerDryRun,
                false => Mode::Write,
            },
            // Until the caller's access entry is deleted, it overrides the caller's mapping.
            allow: Allowed {
                ignored: true,
                ..Allowed::default()
            },
            ..Options::guarded(reason)
        };
        let named = match self {
            Self::History => None,
            Self::Named(name) => Some(name.as_str()),
            Self::Nodes => return map_nodes(&options, caller, backend, out),
        };
        let plan = Restoration::find(named, backend, out)?.write(&options, backend, out)?;
        if !plan.is_change() && *self == Self::History {
            out.note(
                "aws-auth is what awsauth wrote last. If that write is the mistake: awsauth undo",
            );
        }
        Ok(())
    }
}

/// Maps the roles of the nodes that aws-auth does not map.
fn map_nodes(
    options: &Options,
    caller: &Caller,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(), Failure> {
    let nodes = nodes::State::read(backend, out)?;
    nodes.warn(out);
    let found = nodes.report();
    if found.roles.is_empty() {
        return Err(
            Failure::new(Kind::No, "neither AWS nor the cluster knows roles of nodes")
                .hint("map the role of your nodes: awsauth map node-role ARN --kind linux"),
        );
    }
    let missing = found.roles.iter().filter(|role| role.aws_auth.is_none());
    // Anyone who can set a tag could otherwise let their instances join.
    let (by_tag, known): (Vec<_>, Vec<_>) = missing.partition(|role| role.is_known_by_tags_only());
    for role in by_tag {
        let arn = comparable(&role.arn);
        out.note(&format!(
            "Not mapped: {arn}, used by {}: only a tag connects it with the cluster.",
            role.role.used_by()
        ));
        out.note(&format!(
            "hint: if these are nodes of the cluster: awsauth map node-role {} --kind {}",
            quoted(&arn),
            role.role.kind().name()
        ));
    }
    let edits: Vec<Edit> = known
        .into_iter()
        .map(|role| Edit::map_nodes(comparable(&role.arn), role.role.kind()))
        .collect();
    if edits.is_empty() {
        out.note("aws-auth maps every role that is known to be of the cluster's nodes.");
        return Ok(());
    }
    write_edits(edits, true, options, backend, out)?;
    out.note("aws-auth maps the nodes, and no administrator yet.");
    if let Some(command) = map_command(caller) {
        out.note(&format!("hint: map yourself: {command}"));
    }
    out.note(
        "hint: map each other administrator: awsauth map role ARN --username USER --group system:masters",
    );
    Ok(())
}
