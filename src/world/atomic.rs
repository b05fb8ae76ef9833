use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Where a file that was read really is.
#[derive(Debug)]
pub(crate) struct Original {
    path: PathBuf,
}

/// Why a file could not be replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// Somebody else wrote it after it was read.
    #[error("the file changed while it was being worked on")]
    Changed,
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Original {
    /// Reads a regular file, through symlinks; gives what it held, too.
    pub(crate) fn read(path: &Path) -> io::Result<(Self, Vec<u8>)> {
        let path = fs::canonicalize(path)?;
        let mut file = File::open(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file; use - for a pipe",
            ));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        file.read_to_end(&mut bytes)?;
        Ok((Self { path }, bytes))
    }

    /// Puts `bytes` in the place of what it held in one step: readers see the old or the new file, never a part.
    /// Mode, owner and symlinks to it stay; equal bytes leave the file alone.
    pub(crate) fn replace(&self, held: &[u8], bytes: &[u8]) -> Result<(), ReplaceError> {
        if bytes == held {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let mut next = tempfile::Builder::new()
            .prefix(".awsauth-")
            .tempfile_in(folder)?;
        next.write_all(bytes)?;
        let metadata = fs::metadata(&self.path)?;
        if metadata.permissions().readonly() {
            // A rename would not ask.
            return Err(io::Error::from(io::ErrorKind::PermissionDenied).into());
        }
        keep_owner(next.as_file(), &metadata);
        next.as_file().set_permissions(metadata.permissions())?;
        next.as_file().sync_all()?;
        if fs::read(&self.path)? != held {
            return Err(ReplaceError::Changed);
        }
        next.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
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

    fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
        let (original, held) = Original::read(path).expect("read");
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
        let (original, held) = Original::read(&path).expect("read");
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
        let (original, held) = Original::read(&path).expect("read");
        assert!(matches!(
            original.replace(&held, b"new"),
            Err(ReplaceError::Io(_))
        ));
        assert!(Original::read(folder.path()).is_err());
    }
}
