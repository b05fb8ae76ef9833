//! Finds the files of a command's arguments.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Candidate;
use crate::backend::input_files::{has_ending, is_stdin};
use crate::terminal::Failure;

/// Returns the files of these paths: files, - for stdin, all *.yaml, *.yml and *.json below a folder, and the matches of a pattern such
/// as `clusters/*/aws-auth.yaml`, for shells that do not expand patterns. Skips hidden folders and symlinks to folders. Removes
/// duplicates.
///
/// # Errors
/// If a folder cannot be read, a pattern is invalid or matches no file, or stdin is named twice.
pub(crate) fn search(paths: &[PathBuf]) -> Result<Vec<Candidate>, Failure> {
    let mut found = Found::default();
    let stdins = paths.iter().filter(|path| is_stdin(path)).count();
    if stdins > 1 {
        return Err(Failure::usage(
            "cannot read stdin twice: - is given more than once",
        ));
    }
    for path in paths {
        let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']));
        match pattern {
            _ if path.is_dir() => found.folder(path)?,
            Some(pattern) if !path.exists() => found.matches(pattern)?,
            _ => found.add(path.clone(), true),
        }
    }
    Ok(found.candidates)
}

#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    seen: BTreeSet<PathBuf>,
}

impl Found {
    fn add(&mut self, path: PathBuf, is_named: bool) {
        if self.seen.insert(path.clone()) {
            self.candidates.push(Candidate { path, is_named });
        } else if is_named {
            let known = self.candidates.iter_mut().find(|known| known.path == path);
            known.into_iter().for_each(|known| known.is_named = true);
        }
    }

    fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let cannot = |error: &io::Error| {
            Failure::usage(format!("cannot read the folder {}", folder.display())).because(error)
        };
        let entries = fs::read_dir(folder).map_err(|error| cannot(&error))?;
        let mut entries = entries
            .collect::<io::Result<Vec<_>>>()
            .map_err(|error| cannot(&error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| cannot(&error))?;
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if kind.is_dir() && !is_hidden {
                self.folder(&path)?;
            } else if has_ending(&path) && path.is_file() {
                self.add(path, false);
            }
        }
        Ok(())
    }

    fn matches(&mut self, pattern: &str) -> Result<(), Failure> {
        let options = glob::MatchOptions {
            require_literal_separator: true,
            require_literal_leading_dot: true,
            ..glob::MatchOptions::new()
        };
        let paths = glob::glob_with(pattern, options)
            .map_err(|error| Failure::usage(format!("cannot read {pattern}")).because(&error))?;
        let mut is_empty = true;
        for path in paths {
            let path = path.map_err(|error| {
                Failure::usage(format!("cannot read {pattern}")).because(&error)
            })?;
            is_empty = false;
            if path.is_dir() {
                self.folder(&path)?;
            } else {
                self.add(path, false);
            }
        }
        if is_empty {
            return Err(Failure::usage(format!(
                "cannot read {pattern}: no file matches it"
            )));
        }
        Ok(())
    }
}
