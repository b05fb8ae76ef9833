//! Temporary and private files.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::Builder;

/// Writes a new file that only this user can read to the system's temporary folder, and returns its path.
pub(crate) fn write_temporary(prefix: &str, suffix: &str, content: &[u8]) -> io::Result<PathBuf> {
    let mut file = Builder::new().prefix(prefix).suffix(suffix).tempfile()?;
    file.write_all(content)?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

/// Writes a file that only this user can read, replacing an existing file or symlink. The new file never belongs to
/// another user, even in a folder that others can write. Only this user can use the folders that are created for it.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let existing = fs::symlink_metadata(path).ok();
    if existing.is_some_and(|existing| !existing.is_file() && !existing.is_symlink()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut folders = DirBuilder::new();
    folders.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    folders.create(folder)?;
    let mut file = Builder::new().prefix(".awsauth-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn folders_of_a_private_file_are_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("awsauth");
        replace_private(&state.join("fleet/file"), b"x").expect("written");
        for created in [state.join("fleet"), state] {
            let mode = fs::metadata(created).expect("stat").permissions().mode();
            assert_eq!(mode & 0o7777, 0o700);
        }
    }

    #[test]
    fn private_file_replaces_a_symlink_and_not_its_target() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, path) = (folder.path().join("target"), folder.path().join("new/file"));
        fs::write(&target, "theirs").expect("a file");
        fs::create_dir(folder.path().join("new")).expect("a folder");
        symlink(&target, &path).expect("a link");
        for content in ["ours", "again"] {
            replace_private(&path, content.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("read"), content);
        }
        let metadata = fs::symlink_metadata(&path).expect("stat");
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_to_string(&target).expect("read"), "theirs");
        let error = replace_private(folder.path(), b"x").expect_err("a folder");
        assert_eq!(error.to_string(), "it is not a regular file");
    }
}
