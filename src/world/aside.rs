use std::io::{self, Write};
use std::path::PathBuf;

use tempfile::Builder;

/// Keeps something in a new file of the system's folder for temporary ones, readable to this user alone, and says where.
pub(crate) fn keep_aside(prefix: &str, content: &[u8]) -> io::Result<PathBuf> {
    let mut file = Builder::new().prefix(prefix).suffix(".json").tempfile()?;
    file.write_all(content)?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}
