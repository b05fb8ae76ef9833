//! Paths relative to the checkout.

use std::env;
use std::path::{Component, Path, PathBuf};

/// Returns the path relative to the checkout or, without one, to the current folder, with forward slashes. Paths outside of them stay
/// absolute.
pub(crate) fn relative(path: &Path) -> String {
    let mut absolute = PathBuf::new();
    let parts = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for part in parts.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(absolute.pop()),
            part => absolute.push(part),
        }
    }
    // The repository in GitHub Actions; steps may run in subfolders.
    let checkout = env::var_os("GITHUB_WORKSPACE").filter(|path| !path.is_empty());
    let bases = [checkout.map(PathBuf::from), env::current_dir().ok()];
    let below = bases
        .iter()
        .flatten()
        .find_map(|base| absolute.strip_prefix(base).ok());
    let text = below.unwrap_or(&absolute).display().to_string();
    text.replace(std::path::MAIN_SEPARATOR, "/")
}
