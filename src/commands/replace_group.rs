//! `awsauth replace-group`.

use clap::builder::FalseyValueParser;

use super::map::check_terms;
use super::selected_edits::SelectedEdits;
use super::store_args::StoreArgs;
use super::unbound_groups::{self, BINDINGS};
use super::write_args::{OVERRIDES, WriteArgs};
use crate::backend::Backend;
use crate::output::PlanFormat;
use crate::terminal::{Exit, Failure, Out, Refusal};
use awsauth_core::entry_selection::Selection;
use awsauth_core::facts::groups::MASTERS;

/// Replace a group with another one in every mapping that has it
///
/// Changes mapRoles and mapUsers in one write; the entries keep their comments, quotes and order of groups. With --cluster-name, also
/// changes EKS access entries, see --backend. On a cluster, refuses the change if a binding gives a role to the old group, and none
/// gives it to the new one.
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

    /// Allow the members of OLD to lose what its bindings allow, and what no binding of NEW allows
    #[arg(long, help_heading = OVERRIDES)]
    allow_lost_rights: bool,
}

/// Replaces the group.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    check_terms(None, &[("NEW", &vec![args.to.clone()])])?;
    if args.from == args.to {
        return Err(Failure::usage("OLD and NEW are the same group"));
    }
    let lost = LostRights::find(&args.from, &args.to, backend, out)?;
    let check = || match &lost {
        Some(lost) if !args.allow_lost_rights => Err(lost.refusal(&args.from, &args.to)),
        _ => Ok(()),
    };
    SelectedEdits {
        selection: &Selection::RenameGroup {
            from: args.from.clone(),
            to: args.to.clone(),
        },
        choice: args.store.choice(&args.write.overrides),
        expected: None,
        ignores_missing: args.ignore_missing,
        asks: false,
        check: &check,
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

/// The permissions that the members of a group lose.
struct LostRights {
    /// The names of the bindings.
    of: Vec<String>,
    /// The commands that bind the new group to the same roles.
    commands: Vec<String>,
}

impl LostRights {
    /// Compares the bindings of both groups; `None` if nothing is lost or the bindings are unknown.
    fn find(
        from: &str,
        to: &str,
        backend: &Backend,
        out: &mut Out,
    ) -> Result<Option<Self>, Failure> {
        let Some(policy) = backend.bindings(out)? else {
            return Ok(None);
        };
        if let Some(unread) = policy.lacks(&BINDINGS) {
            out.unchecked(&format!(
                "Not checked: which bindings name group {from} or {to}, which needs permission to list {}.",
                unread.resource
            ));
            return Ok(None);
        }
        let mut bindings = policy.bindings.iter();
        if to != MASTERS && !bindings.any(|binding| binding.names_group(to)) {
            out.note(&unbound_groups::warning(to));
        }
        let kubectl = backend.kubectl();
        let lost = policy.lost_bindings(from, to);
        for binding in &lost {
            out.note(&format!(
                "warning: {} names group {from}, and no binding gives its role to group {to}: what it allows is lost.",
                binding.title(),
            ));
        }
        Ok((!lost.is_empty()).then(|| Self {
            of: lost.iter().map(|binding| binding.title()).collect(),
            commands: lost
                .iter()
                .map(|binding| format!("{kubectl} {}", binding.command_for(to)))
                .collect(),
        }))
    }

    fn refusal(&self, from: &str, to: &str) -> Failure {
        let refusal = Refusal {
            guard: "WG24",
            reason: "lost-rights",
        };
        let what = format!(
            "group {to} does not have what group {from} has by {}",
            self.of.join(", ")
        );
        let failure = Failure::refused(refusal, what);
        let failure = self.commands.iter().fold(failure, |failure, command| {
            failure.hint(format!("bind the new group first: {command}"))
        });
        failure.hint("if the members should lose these permissions, add --allow-lost-rights")
    }
}
