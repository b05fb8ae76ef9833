//! The release binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::static_build;

/// The release binary.
pub(crate) struct Awsauth {
    path: PathBuf,
    // Deletes the folder when dropped.
    _folder: TempDir,
}

impl Awsauth {
    /// Builds the binary, which takes minutes the first time, and copies it. A copy starts like an installed program: the file
    /// that the linker wrote is fragmented in the page cache and starts slower.
    pub(crate) fn build() -> Self {
        let built = static_build::released();
        println!("awsauth is a copy of {}", built.display());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("awsauth");
        std::fs::copy(built, &path).expect("a copy");
        Self {
            path,
            _folder: folder,
        }
    }

    /// The path of the binary.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a command with an empty environment.
    pub(crate) fn command<A: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Command {
        let mut command = Command::new(&self.path);
        command.env_clear().args(arguments);
        command
    }

    /// Returns a command for the cluster of a kubeconfig.
    pub(crate) fn on(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("KUBECONFIG", kubeconfig);
        command
    }
}
