use std::path::PathBuf;

use super::PlanFormat;
use super::map::Creating;
use super::principal::to_write;
use super::refusals::edit_failure;
use super::witness::WitnessArgs;
use super::write::{DryRun, WriteArgs};
use crate::document::Principal;
use crate::document::edit::{Edit, Groups};
use crate::edge::{Exit, Failure, Out, Refusal};
use crate::owners::Owner;
use crate::plan::{Ownership, Plan, Request};
use crate::render::short_name;
use crate::wanted::{self, Wanted, WantedError};
use crate::world::World;
use crate::world::sources::{self, is_stdin};

/// Merge many mappings in one write
///
/// Reads an aws-auth ConfigMap, lists of mapRoles, mapUsers and mapAccounts, a bare list of mappings, an eksctl
/// ClusterConfig's iamIdentityMappings, IAMIdentityMapping or AwsAuthMapping objects, as YAML or JSON. With --owner it
/// remembers who asked for them, so that --prune can remove what the same owner no longer asks for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    creating: Creating,

    /// Yes to every question
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    witness: WitnessArgs,
}

/// The wanted state and whose it is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Asked {
    /// What is wanted: a file, a folder with *.yaml, *.yml and *.json, or - for stdin; may be repeated
    #[arg(
        short,
        long = "filename",
        env = "AWSAUTH_FILENAME",
        value_name = "PATH",
        required = true
    )]
    pub(crate) filenames: Vec<PathBuf>,

    /// Remember the mappings under this name
    #[arg(long, env = "AWSAUTH_OWNER", value_name = "NAME")]
    pub(crate) owner: Option<String>,

    /// Remove what this owner applied before and no longer asks for
    #[arg(long, requires = "owner")]
    pub(crate) prune: bool,

    /// Take mappings over from other owners
    #[arg(long, requires = "owner")]
    pub(crate) take_over: bool,

    /// Write ARNs as given, even those that can never match
    #[arg(long)]
    pub(crate) as_written: bool,
}

/// Merges what the files ask for.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let request = args.asked.read(world, out)?;
    let asks = args.asked.prune && !args.yes && args.write.dry_run == DryRun::None;
    if asks && !world.is_pipe() && out.can_ask() {
        confirm(&request, world, out)?;
    }
    args.write.carry_out(
        !args.creating.no_create,
        &|_| Ok(request.clone()),
        Some(&args.witness),
        world,
        out,
    )?;
    Ok(Exit::Done)
}

impl Args {
    /// The form of the answer.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }

    /// Whether somebody signs in to see what came of it.
    pub(crate) fn is_verified(&self) -> bool {
        self.witness.is_asked()
    }
}

/// Names what would be pruned and asks, when there is somebody to ask.
fn confirm(request: &Request, world: &mut World, out: &mut Out) -> Result<(), Failure> {
    let reading = world.read(out)?;
    let plan =
        Plan::new(&reading.snapshot, request).map_err(|error| edit_failure(&error, world))?;
    let gone: Vec<String> = plan
        .outcomes
        .iter()
        .filter_map(|(edit, _)| match edit {
            Edit::Unmap { principal, .. } => Some(short_name(principal)),
            Edit::Map { .. } => None,
        })
        .collect();
    let question = || format!("Remove {} from aws-auth of {world}?", gone.join(", "));
    if gone.is_empty() || world.ask(&question(), out)? {
        return Ok(());
    }
    Err(Failure::refused(
        Refusal {
            guard: "WG09",
            reason: "mass-removal",
        },
        "the answer was no; nothing was written",
    )
    .hint("to be asked nothing, add --yes"))
}

impl Asked {
    /// Reads and checks all that is wanted, and mends what can't match as it stands.
    ///
    /// # Errors
    /// The first thing that can't be read, is contradicted elsewhere, or can match nobody.
    pub(crate) fn read(&self, world: &World, out: &mut Out) -> Result<Request, Failure> {
        if world.is_pipe() && self.filenames.iter().any(|path| is_stdin(path)) {
            return Err(Failure::usage(
                "cannot read both the manifest and the wanted state from stdin",
            )
            .hint("put one of them in a file: --file - or --filename - may read stdin, not both"));
        }
        let owner = self.owner.as_deref().map(Owner::new).transpose();
        let owner = owner.map_err(|error| Failure::usage("cannot use --owner").because(&error))?;
        let mut wanted = Vec::new();
        for source in sources::read(&self.filenames)? {
            wanted.extend(
                wanted::read(&source.text, &source.name).map_err(|error| unwanted(&error))?,
            );
        }
        for each in &mut wanted {
            let named = to_write(each.principal.clone(), self.as_written)
                .map_err(|failure| failure.at(&format!("{}:{}", each.source, each.line)))?;
            if let Some(mended) = named.mended {
                out.note(&format!("{}:{}: {mended}", each.source, each.line));
            }
            each.principal = named.principal;
        }
        let wanted = wanted::merge(wanted).map_err(|error| unwanted(&error))?;
        let principals: Vec<Principal> = wanted.iter().map(|each| each.principal.clone()).collect();
        Ok(Request {
            edits: wanted.into_iter().map(edit).collect(),
            owner: owner.map(|owner| Ownership {
                owner,
                wanted: principals,
                prune: self.prune,
                take_over: self.take_over,
            }),
            as_written: self.as_written,
            ..Request::default()
        })
    }
}

fn edit(wanted: Wanted) -> Edit {
    Edit::Map {
        principal: wanted.principal,
        username: wanted.username,
        groups: wanted.groups.map_or(Groups::Keep, Groups::Set),
    }
}

fn unwanted(error: &WantedError) -> Failure {
    Failure::usage("cannot read wanted state")
        .because(error)
        .hint(error.remedy())
}
