use std::fs;
use std::io::Read;
use std::path::Path;

use super::PlanFormat;
use super::history::find;
use super::undo::{nothing, told};
use super::write::WriteArgs;
use crate::edge::{Exit, Failure, Out};
use crate::history::{Contents, Filed, read_file};
use crate::plan::Request;
use crate::snapshot::Snapshot;
use crate::world::World;

/// Put aws-auth back as it was kept
///
/// As it was before a revision's write, as a file has it, or without either as the newest write of awsauth left it: whatever
/// others did since is gone then. The whole of data and binaryData becomes what was kept; labels and other annotations stay, and so
/// does the record of owners where a file has none. An aws-auth that was deleted is made again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A revision as history shows it, a file that backup made or any manifest of aws-auth, or - for stdin
    #[arg(value_name = "REVISION|FILE")]
    from: Option<String>,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    /// The form of the answer.
    pub(crate) fn output(&self) -> PlanFormat {
        self.write.answer.output
    }
}

/// Puts it back.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let (contents, says_owners) = match args.from.as_deref() {
        // Before a cluster's history is asked for, which a manifest has none of.
        Some(path) if !is_revision(path) => {
            world.must_be_cluster()?;
            let Filed {
                contents,
                revision,
                server,
            } = file(path)?;
            if let Some(server) = server.filter(|server| !world.is_at(server)) {
                out.note(&format!(
                    "The file is a backup of {server}; it goes to {world}."
                ));
            }
            let says_owners = revision.is_some() || contents.owners_annotation.is_some();
            // A revision's file may be of a time when there was no aws-auth.
            let contents = revision.map_or(contents, |revision| revision.before.existing());
            (contents, says_owners)
        }
        revision => (kept(revision, world, out)?, true),
    };
    let asking = |snapshot: &Snapshot| {
        let mut kept = contents.clone();
        if !says_owners {
            // A claim that no longer fits its entry prunes nothing.
            kept.owners_annotation
                .clone_from(&snapshot.owners_annotation);
        }
        Ok(Request {
            kept: Some(kept),
            ..Request::default()
        })
    };
    args.write.carry_out(true, &asking, None, world, out)?;
    Ok(Exit::Done)
}

/// What was there before this revision's write; without one, what the newest write left.
fn kept(name: Option<&str>, world: &World, out: &mut Out) -> Result<Contents, Failure> {
    let history = world.history(out)?;
    if history.is_changed_by_others() {
        let by = history.last_writer.as_deref().unwrap_or("somebody else");
        out.note(&format!(
            "Others have changed aws-auth since the last write that is kept (last by {by}): that goes, too."
        ));
    }
    let (name, then, contents, revision) = match name {
        Some(name) => {
            let (kept, revision) = find(&history, name)?;
            (&kept.name, "was there before", &revision.before, revision)
        }
        None => {
            let newest = history.newest_write();
            let (name, revision) = newest.ok_or_else(|| nothing(&history, world))?;
            (name, "was there after", &revision.after, revision)
        }
    };
    out.note(&format!(
        "Going back to what {then} revision {name}: {}",
        told(revision)
    ));
    Ok(contents.existing())
}

/// A file of such a name can be given as ./7.
fn is_revision(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn file(path: &str) -> Result<Filed, Failure> {
    let cannot = || Failure::usage(format!("cannot read aws-auth from {path}"));
    let read = match path {
        "-" => {
            let mut text = String::new();
            let mut stdin = std::io::stdin().lock();
            stdin.read_to_string(&mut text).map(|_| text)
        }
        path => fs::read_to_string(Path::new(path)),
    };
    let text = read.map_err(|error| {
        cannot()
            .because(&error)
            .hint("name a revision, as awsauth history shows it, or a file")
    })?;
    read_file(&text).map_err(|error| cannot().because(&error))
}
