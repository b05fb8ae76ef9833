//! `awsauth replace-group`.

use clap::builder::FalseyValueParser;

use super::map::check_terms;
use super::selected_edits::SelectedEdits;
use super::store_args::StoreArgs;
use super::write_args::WriteArgs;
use crate::backend::Backend;
use crate::output::PlanFormat;
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::entry_selection::Selection;
use awsauth_core::facts::groups::MASTERS;
use awsauth_core::rbac::{Binding, Subject};

/// Replace a group with another one in every mapping that has it
///
/// Changes mapRoles and mapUsers in one write; the entries keep their comments, quotes and order of groups. With --cluster-name, also
/// changes EKS access entries, see --backend. On a cluster, first notes which bindings
/// name only the old group.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Show which mappings would change
  awsauth replace-group developers devs --dry-run

  # Replace system:masters by a group that is bound to cluster-admin
  awsauth replace-group system:masters cluster-admins")]
pub(crate) struct Args {
    /// The group to replace
    #[arg(value_name = "OLD")]
    from: String,

    /// The group that replaces it
    #[arg(value_name = "NEW")]
    to: String,

    /// Succeed if no entry has the group
    #[arg(long, env = "AWSAUTH_IGNORE_MISSING", value_parser = FalseyValueParser::new())]
    ignore_missing: bool,

    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    write: WriteArgs,
}

/// Replaces the group.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    check_terms(None, &[("NEW", &vec![args.to.clone()])])?;
    if args.from == args.to {
        return Err(Failure::usage("OLD and NEW are the same group"));
    }
    note_bindings(&args.from, &args.to, backend, out)?;
    SelectedEdits {
        selection: &Selection::RenameGroup {
            from: args.from.clone(),
            to: args.to.clone(),
        },
        choice: args.store.choice(&args.write.overrides),
        expected: None,
        ignores_missing: args.ignore_missing,
        asks: false,
        options: &args.write.options(backend),
    }
    .run(backend, out)?;
    Ok(Exit::Done)
}

impl Args {
    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }
}

/// Notes that no binding names the new group, and which bindings name only the old one.
fn note_bindings(from: &str, to: &str, backend: &Backend, out: &mut Out) -> Result<(), Failure> {
    let Some(policy) = backend.bindings(out)? else {
        return Ok(());
    };
    if let Some(unread) = policy.lacks(&["clusterrolebindings", "rolebindings"]) {
        out.unchecked(&format!(
            "Not checked: which bindings name group {from} or {to}, which needs permission to list {}.",
            unread.resource
        ));
        return Ok(());
    }
    let names = |binding: &Binding, group: &str| {
        let mut subjects = binding.subjects.iter();
        subjects.any(|subject| matches!(subject, Subject::Group(name) if name == group))
    };
    if to != MASTERS && !policy.bindings.iter().any(|binding| names(binding, to)) {
        out.note(&format!(
            "warning: no RoleBinding or ClusterRoleBinding names group {to}: it allows nothing."
        ));
    }
    let lost = policy
        .bindings
        .iter()
        .filter(|binding| names(binding, from) && !names(binding, to));
    for binding in lost {
        let namespace = binding.namespace.as_ref();
        let namespace = namespace.map_or_else(String::new, |namespace| format!("{namespace}/"));
        out.note(&format!(
            "warning: {} {namespace}{} names group {from}, and not {to}: what it allows is lost.",
            binding.kind(),
            binding.name
        ));
    }
    Ok(())
}
