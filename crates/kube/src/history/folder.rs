use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::target::Target;
use awsauth_core::history::{MAX_REVISIONS, Revision, read_file, write_file};

/// A copy that is younger may be of a run that is about to write: it stays, however many there are.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);

/// The folder of one cluster among the user's kept copies.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// One file of the folder.
#[derive(Debug)]
pub struct InFolder {
    /// Where.
    pub path: PathBuf,
    /// What it holds; else why it can't be read.
    pub revision: Result<Revision, String>,
}

impl Folder {
    /// The folder in `root` for the cluster that is reached at this server.
    pub fn of(root: &Path, target: &Target) -> Self {
        let server = target.server.split_once("://");
        let server = server.map_or(target.server.as_str(), |(_, server)| server);
        let plain = |c: char| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => c,
            _ => '_',
        };
        let name: String = server.trim_end_matches('/').chars().map(plain).collect();
        // A name of dots alone would lead elsewhere.
        Self {
            path: root.join(format!("cluster-{name}")),
        }
    }

    /// Keeps a revision in a file of its own that only its owner may read, and lets the oldest go. Reads it back before it
    /// says where, with `sync` also after the disk has it.
    pub(super) fn keep(&self, revision: &Revision, sync: bool) -> io::Result<PathBuf> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)?;
        let path = self
            .path
            .join(format!("{}-{}.yaml", stem(revision.when), revision.run));
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
            return Err(io::Error::other("what was written does not read back"));
        }
        let others = self.files()?.into_iter().rev().filter(|file| *file != path);
        let settled = stem(revision.when - SETTLED);
        for (nth, file) in others.enumerate() {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if nth >= MAX_REVISIONS - 1 && *name < *settled {
                // What can't be removed is only in the way.
                let _ = fs::remove_file(&file);
            }
        }
        Ok(path)
    }

    /// What is kept, from the oldest to the newest. A folder that can't be read holds nothing.
    pub fn revisions(&self) -> Vec<InFolder> {
        let files = self.files().unwrap_or_default();
        let read = files.into_iter().map(|path| InFolder {
            revision: revision(&path),
            path,
        });
        read.collect()
    }

    /// The files, in the order of their numbers.
    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("aws-auth-") && name.ends_with(".yaml") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

/// How the name of a file begins, in the order of time.
fn stem(when: Timestamp) -> String {
    format!("aws-auth-{}", when.strftime("%Y%m%dT%H%M%S%.6fZ"))
}

fn revision(path: &Path) -> Result<Revision, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let filed = read_file(&text).map_err(|error| error.to_string())?;
    filed
        .revision
        .ok_or_else(|| "it does not say what the write did, or was changed".to_owned())
}
