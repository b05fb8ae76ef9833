//! The repair of aws-auth.

use crate::backend::Backend;
use crate::commands::restore::Restoration;
use crate::terminal::{Failure, Kind, Out};
use crate::write::{Mode, Options, write_edits};
use awsauth_core::arn::{comparable, is_same_principal};
use awsauth_core::authenticator::{NodeRole, NodeRoles, Store};
use awsauth_core::document::Document;
use awsauth_core::document::edit::Edit;
use awsauth_core::plan::Allowed;

/// What aws-auth is repaired from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The latest text in the history.
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
        backend: &mut Backend,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let options = Options {
            mode: match is_dry_run {
                true => Mode::ServerDryRun,
                false => Mode::Write,
            },
            // The access entry of the caller hides the mapping of the caller until the access entry is deleted.
            allow: Allowed {
                ignored: true,
                ..Allowed::default()
            },
            ..Options::guarded("awsauth rescue")
        };
        let named = match self {
            Self::History => None,
            Self::Named(name) => Some(name.as_str()),
            Self::Nodes => return map_nodes(&options, backend, out),
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
fn map_nodes(options: &Options, backend: &mut Backend, out: &mut Out) -> Result<(), Failure> {
    let document = Document::read(&backend.read(out)?.snapshot.data);
    let inventory = backend.inventory(&document, out);
    let inventory = inventory.map(|inventory| inventory.node_inventory);
    let inventory = inventory.unwrap_or_default();
    let roles = NodeRoles::of(&inventory);
    if roles.all().is_empty() {
        return Err(
            Failure::new(Kind::No, "EKS and Karpenter know no roles of nodes")
                .hint("map the role of your nodes: awsauth map node-role ARN --kind linux"),
        );
    }
    let store = Store::new(&document);
    let is_mapped = |role: &&NodeRole<'_>| {
        let mut mapped = store.in_force();
        mapped.any(|(arn, _)| is_same_principal(arn, role.arn))
    };
    let missing = roles.all().iter().filter(|role| !is_mapped(role));
    let edits: Vec<Edit> = missing
        .map(|role| Edit::map_nodes(comparable(role.arn), role.kind()))
        .collect();
    if edits.is_empty() {
        out.note("aws-auth maps every role of the nodes.");
        return Ok(());
    }
    write_edits(edits, true, options, backend, out)?;
    out.note("aws-auth maps the nodes. Map each administrator: awsauth map role ARN --username USER --group system:masters");
    Ok(())
}
