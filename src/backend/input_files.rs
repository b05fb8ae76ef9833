//! Reads the input files of `-f`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::bounded_read;
use crate::terminal::Failure;
use awsauth_core::desired::DesiredError;

/// An input of `-f`, and its name in messages.
#[derive(Debug)]
pub(crate) struct Input {
    /// The path, or `stdin`.
    pub(crate) name: String,

    pub(crate) text: String,
}

/// The extensions of the files that are read from a folder, as in kubectl.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Reads files, stdin (`-`) and folders. In a folder, reads *.yaml, *.yml and *.json in the order of their names, without
/// subfolders.
pub(crate) fn read(filenames: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    let mut sources = Vec::new();
    for (at, path) in filenames.iter().enumerate() {
        if is_stdin(path) {
            if filenames[..at].iter().any(|earlier| is_stdin(earlier)) {
                return Err(Failure::usage(
                    "cannot read stdin twice: --filename - is given more than once",
                ));
            }
            sources.push(source("stdin".to_owned(), bounded_read::stdin())?);
        } else if path.is_dir() {
            let found =
                of_folder(path).map_err(|error| cannot(&path.display().to_string(), &error))?;
            if found.is_empty() {
                return Err(Failure::usage(format!(
                    "cannot read the desired state from the folder {}: it holds no *.yaml, *.yml or *.json",
                    path.display()
                )));
            }
            for path in found {
                sources.push(of_file(&path)?);
            }
        } else {
            sources.push(of_file(path)?);
        }
    }
    Ok(sources)
}

/// Returns whether a file of a folder is read.
pub(super) fn has_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Returns whether a path means stdin.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn of_file(path: &Path) -> Result<Input, Failure> {
    source(path.display().to_string(), bounded_read::file(path))
}

fn of_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if has_ending(&path) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn source(name: String, bytes: io::Result<Vec<u8>>) -> Result<Input, Failure> {
    let bytes = bytes.map_err(|error| cannot(&name, &error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Input { name, text }),
        Err(error) => Err(
            Failure::usage(format!("cannot read the desired state from {name}"))
                .because(&error.utf8_error()),
        ),
    }
}

/// Returns the failure for desired state that is not valid.
pub(crate) fn desired_failure(error: &DesiredError) -> Failure {
    Failure::usage("cannot read the desired state")
        .because(error)
        .hint(error.remedy())
}

fn cannot(name: &str, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read the desired state from {name}")).because(error)
}
