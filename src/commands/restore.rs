use std::fs;
use std::io::Read;
use std::path::Path;

use super::Format;
use super::history::find;
use super::undo::told;
use super::write::WriteArgs;
use crate::edge::{Exit, Failure, Out};
use crate::history::{Contents, read_file};
use crate::plan::Request;
use crate::snapshot::Snapshot;
use crate::world::World;

/// Put aws-auth back as it was kept
///
/// Either as it was before a revision's write, or as a file has it. The whole of data and binaryData becomes what was kept;
/// labels and other annotations stay. An aws-auth that was deleted is made again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A revision as history shows it, a file that backup made or any manifest of aws-auth, or - for stdin
    #[arg(value_name = "REVISION|FILE")]
    from: String,
    #[command(flatten)]
    write: WriteArgs,
}

impl Args {
    /// The form of the answer.
    pub(crate) fn output(&self) -> Format {
        self.write.output
    }
}

/// Puts it back.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let contents = if is_revision(&args.from) {
        let history = world.history(out)?;
        let (kept, revision) = find(&history, &args.from)?;
        if history.is_changed_by_others() {
            let by = history.last_writer.as_deref().unwrap_or("somebody else");
            out.note(&format!(
                "Others have changed aws-auth since the last write that is kept (last by {by}): that goes, too."
            ));
        }
        out.note(&format!(
            "Going back to what was there before revision {}: {}",
            kept.name,
            told(revision)
        ));
        revision.before.existing()
    } else {
        // Before a cluster's history is asked for, which a manifest has none of.
        world.must_be_cluster()?;
        file(&args.from)?
    };
    let asking = |_: &Snapshot| {
        Ok(Request {
            kept: Some(contents.clone()),
            allow_node_entries: args.write.allow_node_entries.clone(),
            ..Request::default()
        })
    };
    args.write.carry_out(true, &asking, None, world, out)?;
    Ok(Exit::Done)
}

/// A file of such a name can be given as ./7.
fn is_revision(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn file(path: &str) -> Result<Contents, Failure> {
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
    let (contents, revision) = read_file(&text).map_err(|error| cannot().because(&error))?;
    // A revision's file may be of a time when there was no aws-auth.
    Ok(revision.map_or(contents, |revision| revision.before.existing()))
}
