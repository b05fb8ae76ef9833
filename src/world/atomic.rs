use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// How soon to ask again for a lock that somebody else holds.
const PAUSE: Duration = Duration::from_millis(5);

/// How long to wait for others who write in the same folder.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many symlinks may lead to a file, as for Linux.
const MOST_LINKS: usize = 40;

/// A file that is to be replaced or made, and where it really is. While this lives, other runs of this program wait.
#[derive(Debug)]
pub(crate) struct Original {
    path: PathBuf,
    /// The file's folder, locked: the file itself is another one after each replacement.
    _lock: Option<File>,
}

/// Puts a file there that only its owner may read, in one step, whatever was there before.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    let original = Original::lock_or_make(path, PATIENCE)?;
    let held = original.read_if_there()?;
    original.replace_private(held.as_deref(), bytes, || Ok(()))
}

/// Why a file could not be replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// Somebody else wrote it after it was read.
    #[error("others kept changing the file while it was being worked on")]
    Changed,
    /// Somebody else held the lock all the time.
    #[error("another program holds a lock on the folder {}", .0.display())]
    Locked(PathBuf),
    /// Somebody else's lock file was there all the time.
    #[error("kubectl is changing it, says {}", .0.display())]
    Held(PathBuf),
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Original {
    /// Finds a regular file, through symlinks, and waits up to `patience` for other runs that write in its folder.
    pub(crate) fn lock(path: &Path, patience: Duration) -> Result<Self, ReplaceError> {
        // Before the path is resolved: a pipe's real path need not be one.
        let sort = fs::metadata(path)?.file_type();
        if !sort.is_file() {
            let why = if is_pipe(sort) {
                "it is a pipe; use - to read stdin and write stdout"
            } else {
                "it is not a regular file"
            };
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why).into());
        }
        let path = fs::canonicalize(path)?;
        let lock = lock(folder(&path), patience)?;
        Ok(Self { path, _lock: lock })
    }

    /// The same for a file that need not be there yet; its folder is made.
    pub(crate) fn lock_or_make(path: &Path, patience: Duration) -> Result<Self, ReplaceError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return Self::lock(path, patience),
        }
        let path = end_of_links(path)?;
        fs::create_dir_all(folder(&path))?;
        let lock = lock(folder(&path), patience)?;
        Ok(Self { path, _lock: lock })
    }

    /// What it holds now.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        fs::read(&self.path)
    }

    /// What it holds now; `None` when it is not there.
    pub(crate) fn read_if_there(&self) -> io::Result<Option<Vec<u8>>> {
        match self.read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Puts `bytes` in the place of what it held in one step: readers see the old or the new file, never a part.
    /// Mode, owner and symlinks to it stay; equal bytes leave the file alone.
    pub(crate) fn replace(&self, held: &[u8], bytes: &[u8]) -> Result<(), ReplaceError> {
        if bytes == held {
            return Ok(());
        }
        let next = self.next(bytes)?;
        let metadata = self.writable()?;
        keep_owner(next.as_file(), &metadata);
        next.as_file().set_permissions(metadata.permissions())?;
        next.as_file().sync_all()?;
        self.persist(next, Some(held))
    }

    /// As [`replace`](Self::replace), for a file that only its owner should read, and that may not have been there. `guard` is
    /// what others ask for; it is had only while the file is compared and replaced.
    pub(crate) fn replace_private<G>(
        &self,
        held: Option<&[u8]>,
        bytes: &[u8],
        guard: impl FnOnce() -> Result<G, ReplaceError>,
    ) -> Result<(), ReplaceError> {
        if held == Some(bytes) {
            return Ok(());
        }
        // A temporary file is its owner's alone.
        let next = self.next(bytes)?;
        if held.is_some() {
            keep_owner(next.as_file(), &self.writable()?);
        }
        next.as_file().sync_all()?;
        let _guard = guard()?;
        self.persist(next, held)
    }

    fn next(&self, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let mut next = tempfile::Builder::new()
            .prefix(".awsauth-")
            .tempfile_in(folder(&self.path))?;
        next.write_all(bytes)?;
        Ok(next)
    }

    fn writable(&self) -> io::Result<fs::Metadata> {
        let metadata = fs::metadata(&self.path)?;
        if metadata.permissions().readonly() {
            // A rename would not ask.
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(metadata)
    }

    fn persist(&self, next: NamedTempFile, held: Option<&[u8]>) -> Result<(), ReplaceError> {
        // Those who don't ask for the lock are seen here.
        if self.read_if_there()?.as_deref() != held {
            return Err(ReplaceError::Changed);
        }
        next.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Where a file would be that is not there: at the end of the symlinks, if there are any.
fn end_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = folder(&path).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many symlinks lead to it"))
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Waits for the lock; `None` where folders can't be opened or locked, which leaves the comparison before each replacement.
fn lock(folder: &Path, patience: Duration) -> Result<Option<File>, ReplaceError> {
    let Ok(file) = File::open(folder) else {
        return Ok(None);
    };
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => {
                return Err(ReplaceError::Locked(folder.to_owned()));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
        }
    }
}

#[cfg(unix)]
fn is_pipe(sort: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&sort)
}

#[cfg(not(unix))]
fn is_pipe(_sort: fs::FileType) -> bool {
    false
}

/// Only root can give files away, and nobody else needs to: failing is fine.
#[cfg(unix)]
fn keep_owner(file: &File, like: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(like.uid()), Some(like.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _like: &fs::Metadata) {}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn folder_with(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("aws-auth.yaml");
        fs::write(&path, bytes).expect("a file");
        (folder, path)
    }

    fn locked(path: &Path) -> (Original, Vec<u8>) {
        let original = Original::lock(path, Duration::ZERO).expect("the lock");
        let held = original.read().expect("read");
        (original, held)
    }

    fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
        let (original, held) = locked(path);
        original.replace(&held, bytes)
    }

    #[test]
    fn mode_and_symlink_stay() {
        let (folder, path) = folder_with(b"old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("chmod");
        let link = folder.path().join("link.yaml");
        symlink("aws-auth.yaml", &link).expect("symlink");
        replace(&link, b"new").expect("replace");
        assert_eq!(fs::read(&path).expect("read"), b"new");
        assert_eq!(
            fs::metadata(&path).expect("stat").permissions().mode() & 0o7777,
            0o640
        );
        assert!(
            fs::symlink_metadata(&link)
                .expect("stat")
                .file_type()
                .is_symlink()
        );
        assert_eq!(
            fs::read_dir(folder.path()).expect("list").count(),
            2,
            "no temporary file is left"
        );
    }

    #[test]
    fn equal_bytes_leave_the_file_alone() {
        let (_folder, path) = folder_with(b"same");
        let inode = fs::metadata(&path).expect("stat").ino();
        replace(&path, b"same").expect("replace");
        assert_eq!(fs::metadata(&path).expect("stat").ino(), inode);
    }

    #[test]
    fn a_file_that_somebody_else_wrote_is_not_overwritten() {
        let (folder, path) = folder_with(b"old");
        let (original, held) = locked(&path);
        fs::write(&path, b"theirs").expect("write");
        assert!(matches!(
            original.replace(&held, b"ours"),
            Err(ReplaceError::Changed)
        ));
        assert_eq!(fs::read(&path).expect("read"), b"theirs");
        assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 1);
    }

    #[test]
    fn a_read_only_file_and_a_folder_are_refused() {
        let (folder, path) = folder_with(b"old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("chmod");
        let (original, held) = locked(&path);
        assert!(matches!(
            original.replace(&held, b"new"),
            Err(ReplaceError::Io(_))
        ));
        assert!(Original::lock(folder.path(), Duration::ZERO).is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_made_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("link");
        symlink("to/link", &link).expect("symlink");
        fs::create_dir(folder.path().join("to")).expect("a folder");
        symlink("../new/file", folder.path().join("to/link")).expect("symlink");
        let original = Original::lock_or_make(&link, Duration::ZERO).expect("the lock");
        assert_eq!(original.read_if_there().expect("no error"), None);
        original
            .replace_private(None, b"new", || Ok(()))
            .expect("made");
        let made = folder.path().join("new/file");
        let mode = |path: &Path| fs::metadata(path).expect("stat").permissions().mode() & 0o7777;
        assert_eq!(fs::read(&made).expect("read"), b"new");
        assert_eq!(mode(&made), 0o600);
        assert!(matches!(
            original.replace_private(None, b"again", || Ok(())),
            Err(ReplaceError::Changed)
        ));
        fs::set_permissions(&made, fs::Permissions::from_mode(0o644)).expect("chmod");
        original
            .replace_private(Some(b"new"), b"again", || Ok(()))
            .expect("replaced");
        assert_eq!(mode(&made), 0o600);
        assert!(link.is_symlink());
    }

    #[test]
    fn a_lock_is_waited_for_until_patience_ends() {
        let (_folder, path) = folder_with(b"old");
        let first = Original::lock(&path, Duration::ZERO).expect("the lock");
        assert!(matches!(
            Original::lock(&path, Duration::from_millis(20)),
            Err(ReplaceError::Locked(_))
        ));
        let waiting = thread::spawn(move || Original::lock(&path, Duration::from_secs(60)).is_ok());
        drop(first);
        assert!(waiting.join().expect("it ends"));
    }
}
