//! `awsauth apply`.

use std::path::PathBuf;

use super::map::Creating;
use super::principal_argument::check_principal;
use super::write_args::{DryRun, VerifyArgs, WriteArgs};
use crate::backend::Backend;
use crate::backend::input_files::{self, desired_failure, is_stdin};
use crate::output::{PlanFormat, short_name};
use crate::terminal::{Exit, Failure, Out, Refusal};
use crate::write::{Transaction, edit_failure};
use awsauth_core::desired::{self, DesiredMapping};
use awsauth_core::document::Principal;
use awsauth_core::document::edit::{Edit, Groups};
use awsauth_core::ownership::Owner;
use awsauth_core::plan::{Ownership, Plan, Request};

/// Merge many mappings in one write
///
/// Reads YAML or JSON in any of these forms: an aws-auth ConfigMap; mapRoles, mapUsers and mapAccounts lists; a bare list of
/// mappings; the iamIdentityMappings of an eksctl ClusterConfig; or IAMIdentityMapping or AwsAuthMapping objects. With --owner,
/// it records the owner of the mappings, so that --prune can remove what the same owner no longer requests.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    desired: DesiredArgs,
    #[command(flatten)]
    creating: Creating,

    /// Answer yes to every question
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    verify: VerifyArgs,
}

/// The desired state and its owner.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DesiredArgs {
    /// The desired state: a file, a folder with *.yaml, *.yml and *.json, or - for stdin; may be repeated
    #[arg(
        short,
        long = "filename",
        env = "AWSAUTH_FILENAME",
        value_name = "PATH",
        required = true
    )]
    pub(crate) filenames: Vec<PathBuf>,

    /// Record the mappings under this owner name
    #[arg(long, env = "AWSAUTH_OWNER", value_name = "NAME")]
    pub(crate) owner: Option<String>,

    /// Remove what this owner applied before and no longer requests
    #[arg(long, requires = "owner")]
    pub(crate) prune: bool,

    /// Take mappings over from other owners
    #[arg(long, requires = "owner")]
    pub(crate) take_over: bool,

    /// Write ARNs as given, even if they can never match
    #[arg(long)]
    pub(crate) as_written: bool,
}

/// Merges what the files request.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let request = args.desired.read(backend, out)?;
    let must_confirm = args.desired.prune && !args.yes && args.write.dry_run == DryRun::None;
    if must_confirm && !backend.is_pipe() && out.can_ask() {
        confirm(&request, backend, out)?;
    }
    Transaction {
        edits: &request.edits,
        request: &|_| Ok(request.clone()),
        create: !args.creating.no_create,
        verify: args.verify.verify_as(),
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

    /// Whether the command verifies the write by signing in.
    pub(crate) fn is_verified(&self) -> bool {
        self.verify.is_requested()
    }
}

/// Shows what would be pruned and asks for confirmation.
fn confirm(request: &Request, backend: &mut Backend, out: &mut Out) -> Result<(), Failure> {
    let reading = backend.read(out)?;
    let plan =
        Plan::new(&reading.snapshot, request).map_err(|error| edit_failure(&error, backend))?;
    let gone: Vec<String> = plan
        .outcomes
        .iter()
        .filter_map(|(edit, _)| match edit {
            Edit::Unmap { principal, .. } => Some(short_name(principal)),
            Edit::Map { .. } => None,
        })
        .collect();
    let question = || format!("Remove {} from aws-auth of {backend}?", gone.join(", "));
    if gone.is_empty() || backend.ask(&question(), out)? {
        return Ok(());
    }
    Err(Failure::refused(
        Refusal {
            guard: "WG09",
            reason: "mass-removal",
        },
        "the answer was no; nothing was written",
    )
    .hint("to skip the question, add --yes"))
}

impl DesiredArgs {
    /// Reads and checks the desired state, and removes IAM paths from role ARNs, which cannot match with a path.
    ///
    /// # Errors
    /// The first entry that cannot be read, contradicts another one, or can match no identity.
    pub(crate) fn read(&self, backend: &Backend, out: &mut Out) -> Result<Request, Failure> {
        if backend.is_pipe() && self.filenames.iter().any(|path| is_stdin(path)) {
            return Err(Failure::usage(
                "cannot read both the manifest and the desired state from stdin",
            )
            .hint("put one of them in a file: --file - or --filename - may read stdin, not both"));
        }
        let owner = self.owner.as_deref().map(Owner::new).transpose();
        let owner = owner.map_err(|error| Failure::usage("cannot use --owner").because(&error))?;
        let mut desired_mappings = Vec::new();
        for input in input_files::read(&self.filenames)? {
            desired_mappings.extend(
                desired::read(&input.text, &input.name).map_err(|error| desired_failure(&error))?,
            );
        }
        for each in &mut desired_mappings {
            let named = check_principal(each.principal.clone(), self.as_written)
                .map_err(|failure| failure.at(&format!("{}:{}", each.source, each.line)))?;
            if let Some(correction) = named.correction {
                out.note(&format!("{}:{}: {correction}", each.source, each.line));
            }
            each.principal = named.principal;
        }
        let desired_mappings =
            desired::merge(desired_mappings).map_err(|error| desired_failure(&error))?;
        let principals: Vec<Principal> = desired_mappings
            .iter()
            .map(|each| each.principal.clone())
            .collect();
        Ok(Request {
            edits: desired_mappings.into_iter().map(edit).collect(),
            owner: owner.map(|owner| Ownership {
                owner,
                requested: principals,
                prune: self.prune,
                take_over: self.take_over,
            }),
            as_written: self.as_written,
            ..Request::default()
        })
    }
}

fn edit(mapping: DesiredMapping) -> Edit {
    Edit::Map {
        principal: mapping.principal,
        username: mapping.username,
        groups: mapping.groups.map_or(Groups::Keep, Groups::Set),
    }
}
