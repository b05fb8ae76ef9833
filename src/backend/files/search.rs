//! Finds the files of a command's arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf, is_separator};

use super::{Candidate, is_in_chart_templates};
use crate::backend::input_files::{has_ending, is_stdin};
use crate::terminal::Failure;

/// Returns the files of these paths: files, - for stdin, all *.yaml, *.yml and *.json below a folder, and the matches of a pattern such
/// as `clusters/*/aws-auth.yaml`, for shells that do not expand patterns. Skips hidden folders and symlinks to folders. Returns
/// each file once.
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
    /// The index of each file's candidate. A template and a symlink to it elsewhere count as two files, because Helm renders
    /// only the first.
    seen: BTreeMap<(PathBuf, bool), usize>,
}

impl Found {
    /// Adds a file, unless it was found by another path: symlinks could make one file many. The path is the one that the user
    /// named, or else not a symlink, so that GitHub can show the file.
    fn add(&mut self, path: PathBuf, is_named: bool) {
        let file = match is_stdin(&path) {
            true => path.clone(),
            false => fs::canonicalize(&path).unwrap_or_else(|_| path.clone()),
        };
        let next = self.candidates.len();
        let key = (file, is_in_chart_templates(&path));
        let at = *self.seen.entry(key).or_insert(next);
        match self.candidates.get_mut(at) {
            None => self.candidates.push(Candidate { path, is_named }),
            Some(known)
                if !known.is_named
                    && (is_named || known.path.is_symlink() && !path.is_symlink()) =>
            {
                *known = Candidate { path, is_named };
            }
            Some(_) => {}
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
            if kind.is_dir() && !is_hidden(&entry) {
                self.folder(&path)?;
            } else if has_ending(&path) && path.is_file() {
                self.add(path, false);
            }
        }
        Ok(())
    }

    fn matches(&mut self, pattern: &str) -> Result<(), Failure> {
        let cannot =
            |error: &dyn Error| Failure::usage(format!("cannot read {pattern}")).because(error);
        let paths = expand(pattern).map_err(|error| cannot(&*error))?;
        if paths.is_empty() {
            return Err(Failure::usage(format!(
                "cannot read {pattern}: no file matches it"
            )));
        }
        for path in paths {
            match path.is_dir() {
                true => self.folder(&path)?,
                false => self.add(path, false),
            }
        }
        Ok(())
    }
}

/// Returns the paths that match a pattern. `**` matches folders, but no hidden ones and no symlinks: the crate glob follows symlinks,
/// and three that lead to their own folder make it run for years.
fn expand(pattern: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
    for part in pattern.split_inclusive(is_separator) {
        if part.trim_end_matches(is_separator) == "**" {
            parts.push(&pattern[start..end]);
            start = end + part.len();
        }
        end += part.len();
    }
    let mut parts = parts.into_iter().chain([&pattern[start..]]);
    let first = parts.next().unwrap_or_default();
    let mut found = match first {
        "" => vec![PathBuf::new()],
        first => matches_of(first)?,
    };
    for part in parts {
        // Nested folders are walked once.
        let (mut folders, mut seen) = (Vec::new(), BTreeSet::new());
        for base in found {
            add_folders(base, &mut folders, &mut seen)?;
        }
        let part = part.trim_start_matches(is_separator);
        if part.is_empty() {
            found = folders;
            continue;
        }
        found = Vec::new();
        for folder in folders {
            let folder = folder.join("");
            // As in the crate glob, a name that is not Unicode matches no pattern.
            if let Some(folder) = folder.to_str() {
                found.extend(matches_of(&(glob::Pattern::escape(folder) + part))?);
            }
        }
    }
    Ok(found)
}

/// Returns the paths that match a pattern without `**`.
fn matches_of(pattern: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let options = glob::MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..glob::MatchOptions::new()
    };
    Ok(glob::glob_with(pattern, options)?.collect::<Result<_, _>>()?)
}

/// Adds a folder and all folders below it, except hidden ones and symlinks. Ignores what is not a folder, and a folder that was seen,
/// because those below it were added with it.
fn add_folders(
    folder: PathBuf,
    folders: &mut Vec<PathBuf>,
    seen: &mut BTreeSet<PathBuf>,
) -> io::Result<()> {
    let read = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => &folder,
    };
    if !read.is_dir() || !seen.insert(folder.clone()) {
        return Ok(());
    }
    let mut below = Vec::new();
    for entry in fs::read_dir(read)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && !is_hidden(&entry) {
            below.push(folder.join(entry.file_name()));
        }
    }
    below.sort();
    folders.push(folder);
    below
        .into_iter()
        .try_for_each(|folder| add_folders(folder, folders, seen))
}

fn is_hidden(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn recursive_pattern_enters_neither_symlinks_nor_hidden_folders() {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path();
        for file in [
            "x.yaml",
            "a/x.yaml",
            "a/b[1]/x.yaml",
            "a/b[1]/y.yaml",
            ".git/x.yaml",
        ] {
            let file = root.join(file);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(file, "").expect("a file");
        }
        // With three of these, there are 3^40 paths.
        for link in ["1", "2", "3"] {
            symlink(".", root.join("a").join(link)).expect("a symlink");
        }
        for (pattern, expected) in [
            ("**/x.yaml", &["x.yaml", "a/x.yaml", "a/b[1]/x.yaml"][..]),
            ("a/**/**/x.yaml", &["a/x.yaml", "a/b[1]/x.yaml"]),
            (
                "*/**/?.yaml",
                &["a/x.yaml", "a/b[1]/x.yaml", "a/b[1]/y.yaml"],
            ),
            ("a/**", &["a", "a/b[1]"]),
            ("a/2/x.yaml", &["a/2/x.yaml"]),
            ("x.yaml/**", &[]),
        ] {
            let pattern = format!("{}/{pattern}", root.display());
            let found = expand(&pattern).expect("paths");
            let unique: BTreeSet<_> = found.iter().collect();
            let expected: BTreeSet<_> = expected.iter().map(|path| root.join(path)).collect();
            assert_eq!(unique, expected.iter().collect(), "{pattern}");
        }
    }
    #[test]
    fn file_with_symlinks_is_found_once() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        fs::write(at("b.yaml"), "").expect("a file");
        for link in ["a.yaml", "c.yaml"] {
            symlink("b.yaml", at(link)).expect("a symlink");
        }
        let found = |paths: &[PathBuf]| {
            let found = search(paths).expect("files").into_iter();
            found
                .map(|file| (file.path, file.is_named))
                .collect::<Vec<_>>()
        };
        let folder = root.path().to_owned();
        assert_eq!(
            found(std::slice::from_ref(&folder)),
            [(at("b.yaml"), false)]
        );
        assert_eq!(found(&[at("*.yaml")]), [(at("b.yaml"), false)]);
        assert_eq!(
            found(&[at("c.yaml"), folder.clone()]),
            [(at("c.yaml"), true)]
        );
        assert_eq!(found(&[folder, at("c.yaml")]), [(at("c.yaml"), true)]);
        // Helm renders a template, but not a symlink to it elsewhere.
        fs::create_dir(at("templates")).expect("a folder");
        fs::write(at("Chart.yaml"), "").expect("a file");
        fs::write(at("templates/d.yaml"), "").expect("a file");
        symlink("templates/d.yaml", at("d.yaml")).expect("a symlink");
        assert_eq!(found(&[at("d.yaml"), at("templates")]).len(), 2);
    }
}
