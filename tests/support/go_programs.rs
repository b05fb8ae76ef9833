//! The Go programs that tests run, from the modules in `tests/go`.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const BUILD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/go/build");

/// The folder for built programs and installed packages unless `AWSAUTH_TEST_CACHE` names another.
const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/go");

/// A Go program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Etcd,
    KubeApiserver,
    Kubectl,
    Authenticator,
    /// Returns the authenticator's results: see [`super::authenticator_oracle`].
    Oracle,
    /// Simulates AWS: see [`super::simulated_aws`].
    Standin,
    Helm,
    Promtool,
}

impl Binary {
    /// Returns the path of the program: on `PATH` if it has the pinned version there, otherwise built.
    ///
    /// `./test` builds all programs while cargo compiles. Without it, the first build of kube-apiserver takes minutes here, and other
    /// processes that need the program wait for it.
    ///
    /// # Panics
    /// If there is no `go` or the build fails.
    pub(crate) fn path(self) -> PathBuf {
        static PATHS: [OnceLock<Result<PathBuf, String>>; 8] = [const { OnceLock::new() }; 8];
        let path = PATHS[self as usize].get_or_init(|| self.build());
        match path {
            Ok(path) => path.clone(),
            Err(reason) => panic!("cannot build {self}: {reason}"),
        }
    }

    fn build(self) -> Result<PathBuf, String> {
        let mut build = Command::new(BUILD);
        build
            .arg(self.to_string())
            .env("AWSAUTH_TEST_CACHE", cache_folder());
        let done = build
            .output()
            .map_err(|error| format!("{BUILD}: {error}"))?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned());
        }
        let path = String::from_utf8_lossy(&done.stdout);
        Ok(PathBuf::from(path.trim_end()))
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::Kubectl => "kubectl",
            Self::Authenticator => "aws-iam-authenticator",
            Self::Oracle => "oracle",
            Self::Standin => "standin",
            Self::Helm => "helm",
            Self::Promtool => "promtool",
        })
    }
}

pub(super) fn cache_folder() -> PathBuf {
    let named = std::env::var_os("AWSAUTH_TEST_CACHE").filter(|folder| !folder.is_empty());
    named.map_or_else(|| PathBuf::from(CACHE), PathBuf::from)
}
