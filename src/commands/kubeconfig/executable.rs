use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{self, Path, PathBuf};

use crate::edge::Failure;

/// The absolute path of this program, by which others can start it. Where it was called through a link, the link: what
/// that leads to may go with the next version.
pub(super) fn path() -> Result<String, Failure> {
    let cannot = || Failure::usage("cannot tell the path of this program");
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

/// What the name by which it was called may stand for.
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
