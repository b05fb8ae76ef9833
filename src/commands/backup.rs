//! `awsauth backup`.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use jiff::Timestamp;

use crate::backend::{Backend, Target, bounded_read, read_kubeconfig, replace_private};
use crate::terminal::{Exit, Failure, Kind, Out};
use awsauth_core::history::{Contents, write_file};

/// Save aws-auth to a file that restore and kubectl can read
///
/// The file is replaced atomically, and only you can read it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth backup --to aws-auth-backup.yaml

  # All clusters of the kubeconfig
  awsauth backup --all-contexts --to backups/

  # From a cron job: the newest 30 versions
  awsauth backup --keep 30 --to backups/")]
pub(crate) struct Args {
    /// The file, or - for stdout; with --all-contexts or --keep, the folder
    #[arg(
        long,
        env = "AWSAUTH_TO",
        value_name = "FILE|-",
        required_unless_present = "file"
    )]
    to: Option<PathBuf>,

    /// Save one file for each context of the kubeconfig, named CONTEXT.yaml
    #[arg(long, env = "AWSAUTH_ALL_CONTEXTS", value_parser = FalseyValueParser::new())]
    all_contexts: bool,

    /// Save a new file if aws-auth differs from the newest backup, and keep this many
    ///
    /// The files are named aws-auth-TIME.yaml. Older ones are removed; other files in the folder are not.
    #[arg(
        long,
        env = "AWSAUTH_KEEP",
        value_name = "NUMBER",
        conflicts_with = "all_contexts"
    )]
    keep: Option<NonZeroUsize>,
}

/// Saves one cluster's aws-auth, or that of each context.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let Some(to) = &args.to else {
        return Err(Failure::usage(
            "cannot back up a file: this command saves the aws-auth of a cluster",
        )
        .hint("name the file to write with --to FILE instead of --file, or copy the file: cp"));
    };
    let is_stdout = to.as_os_str() == "-";
    if is_stdout && (args.all_contexts || args.keep.is_some()) {
        return Err(Failure::usage("cannot write several backups to stdout")
            .hint("give a folder: --to FOLDER"));
    }
    if !args.all_contexts {
        let mut backend = Backend::open(target, matches, false, out)?;
        backend.must_be_cluster()?;
        return match args.keep {
            Some(keep) => save_new(&mut backend, to, keep, out),
            None => save(&mut backend, to, out),
        };
    }
    target.refuse_single_cluster(matches, "--all-contexts")?;
    let kubeconfig = read_kubeconfig(target)?;
    let names: Vec<String> = kubeconfig.contexts().map(str::to_owned).collect();
    let target = &Target {
        loaded_kubeconfig: Some(kubeconfig),
        ..target.clone()
    };
    let folder = to;
    create(folder)?;
    let mut last_failure: Option<Failure> = None;
    for name in &names {
        let of_context = target.at_context(Some(name));
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

fn create(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::usage(format!("cannot create the folder {}", folder.display())).because(&error)
    })
}

/// Returns the content of a backup.
fn text(backend: &mut Backend, out: &mut Out) -> Result<String, Failure> {
    let reading = backend.read(out)?;
    if !reading.exists {
        return Err(Failure::new(
            Kind::No,
            format!("{backend} has no aws-auth to save"),
        ));
    }
    Ok(write_file(
        &Contents::of(&reading.snapshot),
        None,
        backend.server(),
    ))
}

fn write(backend: &Backend, to: &Path, text: &str, out: &mut Out) -> Result<(), Failure> {
    replace_private(to, text.as_bytes()).map_err(|error| {
        Failure::usage(format!("cannot write {}", to.display())).because(&error)
    })?;
    out.note(&format!("Saved aws-auth of {backend} to {}.", to.display()));
    Ok(())
}

fn save(backend: &mut Backend, to: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let text = text(backend, out)?;
    if to.as_os_str() == "-" {
        out.data(text.as_bytes())?;
    } else {
        write(backend, to, &text, out)?;
    }
    Ok(Exit::Done)
}

/// Saves aws-auth to a new file, unless it equals the newest one, and keeps only the newest `keep` files.
fn save_new(
    backend: &mut Backend,
    folder: &Path,
    keep: NonZeroUsize,
    out: &mut Out,
) -> Result<Exit, Failure> {
    let text = text(backend, out)?;
    create(folder)?;
    let cannot = |what: &str, path: &Path, error: &io::Error| {
        Failure::usage(format!("cannot {what} {}", path.display())).because(error)
    };
    let list = || saved(folder).map_err(|error| cannot("read", folder, &error));
    let current = match list()?.pop() {
        // A file that cannot be read does not count as a backup.
        Some(newest) if bounded_read::file(&newest).is_ok_and(|saved| saved == text.as_bytes()) => {
            out.note(&format!(
                "aws-auth of {backend} is as in {}.",
                newest.display()
            ));
            newest
        }
        _ => {
            let name = Timestamp::now().strftime("aws-auth-%Y%m%dT%H%M%SZ.yaml");
            let file = folder.join(name.to_string());
            write(backend, &file, &text, out)?;
            file
        }
    };
    let saved = list()?;
    let old = saved.len().saturating_sub(keep.get());
    // The clock may have been ahead when other files were named.
    for file in saved[..old].iter().filter(|file| **file != current) {
        fs::remove_file(file).map_err(|error| cannot("remove", file, &error))?;
    }
    Ok(Exit::Done)
}

/// Returns the regular files that [`save_new`] may have written, from the oldest to the newest.
fn saved(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_saved(&entry.file_name().to_string_lossy()) && entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file name is `aws-auth-TIME.yaml`.
fn is_saved(name: &str) -> bool {
    let time = name
        .strip_prefix("aws-auth-")
        .and_then(|rest| rest.strip_suffix("Z.yaml"));
    let digits = time.and_then(|time| time.split_once('T'));
    digits.is_some_and(|(date, time)| {
        let is = |digits: &str, count| {
            digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        is(date, 8) && is(time, 6)
    })
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
    fn only_files_with_a_time_are_removed() {
        assert!(is_saved("aws-auth-20261121T084200Z.yaml"));
        for other in [
            "aws-auth.yaml",
            "aws-auth-20261121T084200Z.yml",
            "aws-auth-20261121.yaml",
            "aws-auth-before-migration.yaml",
            "aws-auth-2026112xT084200Z.yaml",
        ] {
            assert!(!is_saved(other), "{other}");
        }
    }

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
