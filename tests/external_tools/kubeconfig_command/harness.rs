//! A home folder, and commands that run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::completed_run::Run;
use crate::support::environment::Environment;

/// A folder that is the home of a test's programs.
pub(crate) struct Harness {
    folder: TempDir,
    pub(crate) environment: Environment,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let environment = Environment::new(folder.path())
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("AWS_CONFIG_FILE", "/dev/null")
            .with("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        Self {
            folder,
            environment,
        }
    }

    /// Adds a variable.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment = self.environment.with(name, value);
        self
    }

    /// Adds keys that the simulated AWS accepts.
    pub(crate) fn with_keys(self) -> Self {
        self.with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = self.environment.command(program);
        command.current_dir(self.folder.path());
        command
    }

    pub(crate) fn awsauth(&self, args: &[&str]) -> Run {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
        Run::of(command.arg("kubeconfig").args(args))
    }

    /// Writes entries for the cluster `prod` at an endpoint that is never contacted.
    pub(crate) fn kubeconfig_prod(&self, more: &[&str]) -> Run {
        let args = ["--cluster-name", "prod", "--endpoint", ENDPOINT];
        self.awsauth(&[&args, more].concat())
    }
}

pub(crate) const ENDPOINT: &str = "https://0A1B.gr7.eu-west-1.eks.amazonaws.com";
