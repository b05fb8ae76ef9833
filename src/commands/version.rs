//! `awsauth version`.

use std::env::consts::{ARCH, OS};

use super::{Format, OutputArgs};
use crate::backend::{Backend, Target};
use crate::output::{Versions, version_json, version_text};
use crate::terminal::{Exit, Failure, Out};

/// The output of a plain `--version`.
pub(crate) const LINE: &str = concat!("awsauth ", env!("CARGO_PKG_VERSION"), "\n");

/// Print the versions of awsauth and of the cluster
///
/// A plain `awsauth version` sends no request. With any option except --client, it also prints the version of the cluster's API
/// server and, with --cluster-name, those that EKS reports.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth version
  awsauth version --client -o json")]
pub(crate) struct Args {
    /// Print only the version of awsauth
    #[arg(long, env = "AWSAUTH_CLIENT", value_parser = clap::builder::FalseyValueParser::new())]
    client: bool,

    #[command(flatten)]
    answer: OutputArgs,
}

/// Prints the versions. Works without a cluster if none is selected.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let mut failure = None;
    let backend = match args.client {
        true => None,
        false => Backend::open(target, matches, false, out)
            .map_err(|why| failure = Some(why))
            .ok(),
    };
    let server = backend
        .as_ref()
        .and_then(|backend| backend.server_version(out));
    let server = server.and_then(|server| server.map_err(|why| failure = Some(why)).ok());
    let eks = backend.as_ref().and_then(Backend::eks);
    let versions = Versions {
        client: env!("CARGO_PKG_VERSION"),
        platform: platform(),
        server: server.as_ref(),
        eks: eks.map(|eks| &eks.facts),
    };
    match args.answer.output {
        Format::Human => out.text(&version_text(&versions))?,
        Format::Json => {
            out.json(&version_json(&versions).map_err(|error| Failure::bug(&error))?)?
        }
    }
    match failure {
        Some(failure) if target.names_cluster() => Err(failure),
        Some(failure) => {
            out.note(&format!(
                "The cluster's version is unknown: {}",
                failure.message()
            ));
            Ok(Exit::Done)
        }
        None => Ok(Exit::Done),
    }
}

/// Returns the platform in Go's names, as Kubernetes does.
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
