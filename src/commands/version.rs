use serde_json::json;

use crate::edge::{Exit, Failure, Out};

/// What a plain `--version` prints.
pub(crate) const LINE: &str = concat!("awsauth ", env!("CARGO_PKG_VERSION"), "\n");

/// Print the version
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    answer: super::Answer,
}

/// Prints name and version.
pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit, Failure> {
    match args.answer.output {
        super::Format::Human => out.text(LINE)?,
        super::Format::Json => {
            out.data(format!("{}\n", json!({ "version": env!("CARGO_PKG_VERSION") })).as_bytes())?
        }
    }
    Ok(Exit::Done)
}
