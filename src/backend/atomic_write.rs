//! Replaces files atomically, with a lock.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::bounded_read;

/// The interval of attempts to get a lock.
const PAUSE: Duration = Duration::from_millis(5);

/// The maximum length of a chain of symlinks, as on Linux.
const MOST_LINKS: usize = 40;

/// A file to replace or create, at its resolved path. Holds a lock that makes other runs of awsauth wait.
#[derive(Debug)]
pub(crate) struct Original {
    path: PathBuf,
    /// The locked folder of the file. The file itself cannot be locked, because each write replaces it.
    _lock: Option<File>,
}

/// Why a file could not be replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// Another process wrote the file after it was read.
    #[error("other programs kept changing the file")]
    Changed,
    /// Another process held the lock until the timeout.
    #[error("another program holds a lock on the folder {}", .0.display())]
    Locked(PathBuf),
    /// The lock file of another process existed until the timeout.
    #[error("kubectl is changing it: there is a lock file {}", .0.display())]
    Held(PathBuf),
    /// The operating system returned an error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Original {
    /// Locks a regular file, following symlinks. Waits up to `time_limit` for other runs that write in its folder.
    pub(crate) fn lock(path: &Path, time_limit: Duration) -> Result<Self, ReplaceError> {
        // Checked before the path is resolved, because a pipe may have no real path.
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
        let lock = lock(folder(&path), time_limit)?;
        Ok(Self { path, _lock: lock })
    }

    /// Locks a file that may not exist, like [`lock`](Self::lock). Creates its folder.
    pub(crate) fn lock_or_make(path: &Path, time_limit: Duration) -> Result<Self, ReplaceError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return Self::lock(path, time_limit),
        }
        let path = end_of_links(path)?;
        fs::create_dir_all(folder(&path))?;
        let lock = lock(folder(&path), time_limit)?;
        Ok(Self { path, _lock: lock })
    }

    /// Reads the file.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        bounded_read::file(&self.path)
    }

    /// Reads the file; `None` if it does not exist.
    pub(crate) fn read_if_exists(&self) -> io::Result<Option<Vec<u8>>> {
        match self.read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Atomically replaces the content `held` by `bytes`: readers see either the old or the new file. Keeps mode, owner and symlinks.
    /// Does not write equal bytes.
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

    /// Replaces a file that only its owner should read, and that may not exist, like [`replace`](Self::replace). `guard` takes the lock of
    /// another program; it is held only while the file is compared and replaced.
    pub(crate) fn replace_private<G>(
        &self,
        held: Option<&[u8]>,
        bytes: &[u8],
        guard: impl FnOnce() -> Result<G, ReplaceError>,
    ) -> Result<(), ReplaceError> {
        if held == Some(bytes) {
            return Ok(());
        }
        // Only the owner can read a temporary file.
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
            // A rename would ignore the permissions of the file.
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(metadata)
    }

    fn persist(&self, next: NamedTempFile, held: Option<&[u8]>) -> Result<(), ReplaceError> {
        // Detects writers that do not take the lock.
        if self.read_if_exists()?.as_deref() != held {
            return Err(ReplaceError::Changed);
        }
        next.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Returns the path of a file that does not exist, following symlinks.
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

/// Waits for the lock; `None` if folders cannot be opened or locked. The comparison before each replacement then detects other writers.
fn lock(folder: &Path, time_limit: Duration) -> Result<Option<File>, ReplaceError> {
    let Ok(file) = File::open(folder) else {
        return Ok(None);
    };
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= time_limit => {
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

/// Keeps the owner. Failures are ignored: only root can change it, and only root needs to.
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
    fn replace_keeps_mode_and_symlink() {
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
    fn equal_bytes_are_not_written() {
        let (_folder, path) = folder_with(b"same");
        let inode = fs::metadata(&path).expect("stat").ino();
        replace(&path, b"same").expect("replace");
        assert_eq!(fs::metadata(&path).expect("stat").ino(), inode);
    }

    #[test]
    fn file_changed_by_another_process_is_not_overwritten() {
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
    fn read_only_file_and_folder_are_refused() {
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
    fn new_private_file_is_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("link");
        symlink("to/link", &link).expect("symlink");
        fs::create_dir(folder.path().join("to")).expect("a folder");
        symlink("../new/file", folder.path().join("to/link")).expect("symlink");
        let original = Original::lock_or_make(&link, Duration::ZERO).expect("the lock");
        assert_eq!(original.read_if_exists().expect("no error"), None);
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
    fn lock_attempts_end_after_the_timeout() {
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
