use std::env::consts::{ARCH, OS};

use super::{Answer, Format};
use crate::edge::{Exit, Failure, Out};
use crate::render::{Versions, version_json, version_text};
use crate::world::{Target, World};

/// What a plain `--version` prints.
pub(crate) const LINE: &str = concat!("awsauth ", env!("CARGO_PKG_VERSION"), "\n");

/// Print the version, and those of the cluster
///
/// A plain `awsauth version` asks nobody. With any option, it also tells the version of the cluster's API server, and with --cluster-name what EKS
/// says of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ask no cluster
    #[arg(long, env = "AWSAUTH_CLIENT", value_parser = clap::builder::FalseyValueParser::new())]
    client: bool,

    #[command(flatten)]
    answer: Answer,
}

/// Prints what is known. Where nobody has named a cluster, none is needed.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let mut failure = None;
    let world = match args.client {
        true => None,
        false => World::open(target, matches, false, out)
            .map_err(|why| failure = Some(why))
            .ok(),
    };
    let server = world.as_ref().and_then(|world| world.server_version(out));
    let server = server.and_then(|told| told.map_err(|why| failure = Some(why)).ok());
    let eks = world.as_ref().and_then(World::eks);
    let versions = Versions {
        client: env!("CARGO_PKG_VERSION"),
        platform: platform(),
        server: server.as_ref(),
        eks: eks.map(|eks| &eks.facts),
    };
    match args.answer.output {
        Format::Human => out.text(&version_text(&versions))?,
        Format::Json => out.data(
            version_json(&versions)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    match failure {
        Some(failure) if target.names_cluster() => Err(failure),
        Some(failure) => {
            out.note(&format!(
                "The cluster's version is not known: {}",
                failure.message()
            ));
            Ok(Exit::Done)
        }
        None => Ok(Exit::Done),
    }
}

/// In Go's words, as Kubernetes has its own.
fn platform() -> String {
    let os = match OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}/{arch}")
}
