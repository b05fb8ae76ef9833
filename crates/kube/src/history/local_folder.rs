//! Local copies of a cluster's aws-auth, for clusters that reject the ConfigMap of the history.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::ClusterKey;
use awsauth_core::history::{MAX_REVISIONS, Revision, read_file, write_file};

/// A younger copy may belong to a run that is about to write, so it is never removed.
const MIN_AGE: SignedDuration = SignedDuration::from_mins(2);

/// The prefix of the folders' names.
const PREFIX: &str = "cluster-";

/// The prefix of the names of files with copies.
const COPY: &str = "aws-auth-";

/// The prefix of the names of files that are moved to the cluster as soon as the user can sign in.
const PENDING: &str = "pending-";

/// The folder with one cluster's local copies.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// One file of a [`Folder`].
#[derive(Debug)]
pub struct LocalCopy {
    pub path: PathBuf,
    /// The revision, or why it cannot be read.
    pub revision: Result<Revision, String>,
}

impl Folder {
    /// Returns the folder in `root` for this cluster.
    pub fn of(root: &Path, cluster: &ClusterKey) -> Self {
        let plain = |c: char| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => c,
            _ => '_',
        };
        let name: String = cluster.text().chars().map(plain).collect();
        // The prefix keeps a name of only dots from being a parent folder.
        Self {
            path: root.join(format!("{PREFIX}{name}")),
        }
    }

    /// Whether `root` contains the folder of any cluster.
    pub fn exists_in(root: &Path) -> bool {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut names = entries.map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with(PREFIX))
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a revision to a new file that only its owner can read, reads it back, and removes the oldest files. With
    /// `sync`, waits until it is on disk.
    pub(super) fn write(&self, revision: &Revision, sync: bool) -> io::Result<PathBuf> {
        let path = self.create(COPY, revision, sync)?;
        let others = self.files(COPY)?.into_iter().rev();
        let others = others.filter(|file| *file != path);
        let removable = stem(COPY, revision.when - MIN_AGE);
        for (nth, file) in others.enumerate() {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if nth >= MAX_REVISIONS - 1 && *name < *removable {
                // A file that cannot be removed does no harm.
                let _ = fs::remove_file(&file);
            }
        }
        Ok(path)
    }

    /// Writes a revision that is moved to the cluster as soon as the user can sign in.
    pub(super) fn write_pending(&self, revision: &Revision) -> io::Result<PathBuf> {
        self.create(PENDING, revision, true)
    }

    fn create(&self, prefix: &str, revision: &Revision, sync: bool) -> io::Result<PathBuf> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)?;
        let name = format!("{}-{}.yaml", stem(prefix, revision.when), revision.run);
        let path = self.path.join(name);
        let text = write_file(&revision.before, Some(revision), None);
        let mut next = tempfile::Builder::new()
            .prefix(".awsauth-")
            .tempfile_in(&self.path)?;
        next.write_all(text.as_bytes())?;
        if sync {
            next.as_file().sync_all()?;
        }
        next.persist(&path).map_err(|error| error.error)?;
        if fs::read(&path)? != text.as_bytes() {
            return Err(io::Error::other(
                "the file does not contain what was written to it",
            ));
        }
        Ok(path)
    }

    /// Returns the revisions from the oldest to the newest. A folder that cannot be read is treated as empty.
    pub fn revisions(&self) -> Vec<LocalCopy> {
        self.read(COPY)
    }

    /// Returns the revisions whose writes may not have been made, from the oldest to the newest.
    pub fn pending(&self) -> Vec<LocalCopy> {
        self.read(PENDING)
    }

    fn read(&self, prefix: &str) -> Vec<LocalCopy> {
        let files = self.files(prefix).unwrap_or_default();
        let read = files.into_iter().map(|path| LocalCopy {
            revision: revision(&path),
            path,
        });
        read.collect()
    }

    /// Returns the files with this prefix, oldest first.
    fn files(&self, prefix: &str) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(prefix) && name.ends_with(".yaml") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Returns the start of a file's name. Names sort by time.
fn stem(prefix: &str, when: Timestamp) -> String {
    format!("{prefix}{}", when.strftime("%Y%m%dT%H%M%S%.6fZ"))
}

fn revision(path: &Path) -> Result<Revision, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let filed = read_file(&text).map_err(|error| error.to_string())?;
    filed
        .revision
        .ok_or_else(|| "it does not describe the write, or was changed".to_owned())
}
