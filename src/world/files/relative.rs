use std::env;
use std::path::{Component, Path, PathBuf};

/// A file's path as code hosts call it: from the checkout, or else from the folder that one is in, with forward slashes. What is
/// outside of them stays absolute.
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
    // Where GitHub Actions has the repository; steps may work in folders of it.
    let checkout = env::var_os("GITHUB_WORKSPACE").filter(|path| !path.is_empty());
    let bases = [checkout.map(PathBuf::from), env::current_dir().ok()];
    let below = bases
        .iter()
        .flatten()
        .find_map(|base| absolute.strip_prefix(base).ok());
    let text = below.unwrap_or(&absolute).display().to_string();
    text.replace(std::path::MAIN_SEPARATOR, "/")
}
