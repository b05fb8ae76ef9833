//! Temporary and private files.

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

/// Writes a file that only this user can read, replacing an existing one.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = Builder::new().tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
