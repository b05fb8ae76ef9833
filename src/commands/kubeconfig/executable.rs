//! The path of this program for a kubeconfig.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{self, Path, PathBuf};

use crate::terminal::Failure;

/// Returns the absolute path of this program, for other programs to start it. If it was called through a symlink, returns the
/// symlink, because an upgrade may remove its target.
pub(super) fn path() -> Result<String, Failure> {
    let cannot = || Failure::usage("cannot determine the path of this program");
    let own = env::current_exe().map_err(|error| cannot().because(&error))?;
    let called = env::args_os().next();
    let found = called
        .and_then(|called| {
            candidates(&called)
                .into_iter()
                .find(|path| is_same(path, &own))
        })
        .unwrap_or(own);
    found.into_os_string().into_string().map_err(|path| {
        let path = Path::new(&path).display();
        Failure::usage(format!(
            "cannot write the path of this program into a kubeconfig: {path} is not UTF-8"
        ))
        .hint("move it to another folder")
    })
}

/// Returns the paths that the called name may refer to.
fn candidates(called: &OsStr) -> Vec<PathBuf> {
    let called = Path::new(called);
    if called.components().count() > 1 {
        return path::absolute(called).into_iter().collect();
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(called))
        .collect()
}

fn is_same(path: &Path, own: &Path) -> bool {
    let real = |path: &Path| -> io::Result<PathBuf> { path.canonicalize() };
    matches!((real(path), real(own)), (Ok(path), Ok(own)) if path == own)
}
