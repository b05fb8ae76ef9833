use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;

use super::Kept;
use crate::aws::document;
use crate::aws::time::instant;
use crate::token::Credentials;

/// No session lives longer, so an older file is of no use.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html>
const LONGEST_SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// An attempt at the lock of a session.
pub(super) enum Lock {
    /// It is held for as long as this lives.
    Ours(File),
    /// Somebody else holds it.
    Held,
    /// The folder can't be written, or the file system knows no locks.
    Impossible,
}

/// The session of a file. One that is not what it should be, or that others may read or write, counts as none.
pub(super) fn read(path: &Path) -> Option<Kept> {
    #[derive(Deserialize)]
    struct Issued {
        #[serde(rename = "Issued")]
        issued: String,
    }
    let mut file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || !is_private(&metadata) {
        return None;
    }
    // Large enough not to grow, which would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len()).ok()? + 1,
    ));
    file.read_to_end(&mut bytes).ok()?;
    let issued: Issued = serde_json::from_slice(&bytes).ok()?;
    Some(Kept {
        credentials: document::read(&bytes).ok()?,
        issued: instant(&issued.issued)?,
    })
}

/// Puts a session in the place of what the file held, in one step, readable by nobody else.
pub(super) fn write(path: &Path, credentials: &Credentials, issued: Timestamp) {
    let text = document::write(credentials, issued);
    let Some(folder) = path.parent() else {
        return;
    };
    // A temporary file is private from the start; when anything fails nothing is kept.
    if let Ok(mut next) = tempfile::Builder::new()
        .prefix(".awsauth-")
        .tempfile_in(folder)
        && next.write_all(&text).is_ok()
    {
        let _ = next.persist(path);
    }
}

/// Tries to be the only run that gets this session.
pub(super) fn lock(path: &Path) -> Lock {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let Ok(file) = options.open(path.with_extension("lock")) else {
        return Lock::Impossible;
    };
    match file.try_lock() {
        Ok(()) => Lock::Ours(file),
        Err(TryLockError::WouldBlock) => Lock::Held,
        Err(TryLockError::Error(_)) => Lock::Impossible,
    }
}

/// Removes what no run can use any more.
pub(super) fn tidy(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > LONGEST_SESSION) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes the folder, for its owner alone. Where that fails nothing can be kept in it, and nothing is.
pub(super) fn create_folder(folder: &Path) {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let _ = builder.create(folder);
}

/// Whether it is this user's, and nobody else may read or write it.
#[cfg(unix)]
fn is_private(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o077 == 0 && metadata.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_private(_metadata: &Metadata) -> bool {
    true
}
