//! The folder for persistent state.

use std::env;
use std::path::PathBuf;

/// Returns awsauth's folder for persistent state.
/// <https://specifications.freedesktop.org/basedir-spec/latest/>
pub(crate) fn state_folder() -> Option<PathBuf> {
    let set = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let set = set.filter(|path| path.is_absolute());
    let home = || {
        let home = env::home_dir().filter(|home| home.is_absolute())?;
        Some(home.join(".local").join("state"))
    };
    Some(set.or_else(home)?.join("awsauth"))
}
