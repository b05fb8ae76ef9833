//! `awsauth man`.

use std::path::PathBuf;

use clap_mangen::Man;

use crate::terminal::{Exit, Failure, Out};

/// Print the manual page, or write one page per command
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth man | man -l -
  awsauth man --dir ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// Write awsauth.1, awsauth-get.1 and so on to this folder
    #[arg(long, env = "AWSAUTH_DIR", value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Prints one page, or writes all pages.
pub(crate) fn run(args: &Args, tree: clap::Command, out: &mut Out) -> Result<Exit, Failure> {
    let tree = tree.name("awsauth");
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        Man::new(tree).render(&mut page)?;
        out.data(&page)?;
        return Ok(Exit::Done);
    };
    let cannot = |error: std::io::Error| {
        Failure::usage(format!("cannot write manual pages to {}", dir.display())).because(&error)
    };
    std::fs::create_dir_all(dir).map_err(cannot)?;
    clap_mangen::generate_to(tree, dir).map_err(cannot)?;
    out.note(&format!("Wrote the manual pages to {}", dir.display()));
    Ok(Exit::Done)
}
