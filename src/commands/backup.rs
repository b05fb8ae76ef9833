//! `awsauth backup`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;

use crate::backend::{Backend, Target, contexts, write_private};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::history::{Contents, write_file};

/// Save aws-auth to a file that restore and kubectl can read
///
/// The file is replaced atomically, and only its owner may read it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or - for stdout; with --all-contexts the directory
    #[arg(long, env = "AWSAUTH_TO", value_name = "FILE|-")]
    to: PathBuf,

    /// Save one file for each context of the kubeconfig, named CONTEXT.yaml
    #[arg(long, env = "AWSAUTH_ALL_CONTEXTS", value_parser = FalseyValueParser::new())]
    all_contexts: bool,
}

/// Saves one cluster's aws-auth, or that of each context.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    if !args.all_contexts {
        let mut backend = Backend::open(target, matches, false, out)?;
        backend.must_be_cluster()?;
        return save(&mut backend, &args.to, out);
    }
    if args.to.as_os_str() == "-" {
        return Err(Failure::usage("cannot write several backups to stdout")
            .hint("give a directory: --to DIRECTORY"));
    }
    target.all_contexts(matches)?;
    let names = contexts(target)?;
    let folder = &args.to;
    fs::create_dir_all(folder).map_err(|error| {
        Failure::usage(format!("cannot create the directory {}", folder.display())).because(&error)
    })?;
    let mut last_failure: Option<Failure> = None;
    for name in &names {
        let of_context = Target {
            context: Some(name.clone()),
            // Environment variables are about one cluster.
            file: None,
            cluster_name: None,
            cluster: None,
            user: None,
            ..target.clone()
        };
        let file = folder.join(file_name(name, &names));
        let saved = Backend::open(&of_context, matches, false, out);
        if let Err(failure) = saved.and_then(|mut backend| save(&mut backend, &file, out)) {
            if failure.exit() == Exit::Interrupted {
                return Err(failure);
            }
            if let Some(before) = last_failure.replace(failure) {
                out.failure(&before.render(out.program()));
            }
        }
    }
    match last_failure {
        Some(failure) => Err(failure),
        None => Ok(Exit::Done),
    }
}

fn save(backend: &mut Backend, to: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let reading = backend.read(out)?;
    if !reading.exists {
        return Err(Failure::new(
            Kind::No,
            format!("{backend} has no aws-auth to save"),
        ));
    }
    let text = write_file(&Contents::of(&reading.snapshot), None, backend.server());
    if to.as_os_str() == "-" {
        out.data(text.as_bytes())?;
        return Ok(Exit::Done);
    }
    write_private(to, text.as_bytes()).map_err(|error| {
        Failure::usage(format!("cannot write {}", to.display())).because(&error)
    })?;
    out.note(&format!("Saved aws-auth of {backend} to {}.", to.display()));
    Ok(Exit::Done)
}

/// The file name for a context. Different contexts get different names, even on file systems that ignore letter case.
fn file_name(context: &str, all: &[String]) -> String {
    let has_twin = all
        .iter()
        .any(|other| other != context && other.eq_ignore_ascii_case(context));
    let mut name = String::new();
    for byte in context.bytes() {
        match byte {
            b'A'..=b'Z' if has_twin => name.push_str(&format!("%{byte:02X}")),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'@' => {
                name.push(char::from(byte))
            }
            b'.' if !name.is_empty() => name.push('.'),
            byte => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name + ".yaml"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_contexts_get_different_file_names() {
        for (context, file) in [
            ("prod", "prod.yaml"),
            (
                "arn:aws:eks:us-east-1:111122223333:cluster/prod",
                "arn%3Aaws%3Aeks%3Aus-east-1%3A111122223333%3Acluster%2Fprod.yaml",
            ),
            ("../x", "%2E.%2Fx.yaml"),
            ("", ".yaml"),
        ] {
            assert_eq!(file_name(context, &[]), file);
        }
        let all = ["prod", "Prod", "PROD", "Dev"].map(str::to_owned);
        let names = all.each_ref().map(|context| file_name(context, &all));
        assert_eq!(
            names,
            ["prod.yaml", "%50rod.yaml", "%50%52%4F%44.yaml", "Dev.yaml"]
        );
    }
}
