//! The Go programs that tests run, built on first use from the modules in `tests/cluster` and `tests/tools`.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

const CLUSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster");
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools");

/// Where binaries are kept unless `AWSAUTH_TEST_CACHE` names another folder.
const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/cluster");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Etcd,
    KubeApiserver,
    Kubectl,
    Authenticator,
    /// Answers what the authenticator makes of an aws-auth: see [`super::oracle`].
    Oracle,
    /// Plays AWS: see [`super::aws`].
    Standin,
    Helm,
    Promtool,
}

impl Binary {
    fn package(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Self::Authenticator => "sigs.k8s.io/aws-iam-authenticator/cmd/aws-iam-authenticator",
            Self::Oracle => "./oracle",
            Self::Standin => "./standin",
            Self::Helm => "helm.sh/helm/v4/cmd/helm",
            Self::Promtool => "github.com/prometheus/prometheus/cmd/promtool",
        }
    }

    /// The folder of the module that pins it.
    fn module(self) -> &'static Path {
        Path::new(match self {
            Self::Helm | Self::Promtool => TOOLS,
            _ => CLUSTER,
        })
    }

    /// Build tags: promtool needs none of the clients of clouds that Prometheus looks for targets in.
    fn tags(self) -> &'static str {
        match self {
            Self::Promtool => "remove_all_sd",
            _ => "",
        }
    }

    /// The path of the binary, built if it is not in the cache yet. The first build of
    /// kube-apiserver takes minutes; other processes that need it wait for the same build.
    ///
    /// # Panics
    /// With the remedy, when there is no `go` or the build fails.
    pub(crate) fn path(self) -> PathBuf {
        self.cached_or_built()
            .unwrap_or_else(|reason| panic!("cannot build {self}: {reason}"))
    }

    fn cached_or_built(self) -> Result<PathBuf, String> {
        let folder = cache_folder().join(self.key()?);
        let binary = folder.join(self.to_string());
        if binary.exists() {
            return Ok(binary);
        }
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let lock = folder.join(format!("{self}.lock"));
        let lock = File::create(&lock).map_err(|e| format!("{}: {e}", lock.display()))?;
        lock.lock()
            .map_err(|e| format!("waiting for another build: {e}"))?;
        if !binary.exists() {
            self.build(&binary)?;
        }
        Ok(binary)
    }

    /// Builds beside `binary` and renames, so that an interrupted build is never taken for a whole one.
    fn build(self, binary: &Path) -> Result<(), String> {
        let partial = binary.with_extension("partial");
        let mut go = go(self.module());
        go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags"])
            .arg(self.link_flags()?);
        go.args(["-tags", self.tags()]);
        go.arg("-o").arg(&partial).arg(self.package());
        output(&mut go)?;
        fs::rename(&partial, binary).map_err(|e| format!("{}: {e}", binary.display()))
    }

    fn link_flags(self) -> Result<String, String> {
        let mut flags = "-s -w".to_owned();
        if matches!(self, Self::KubeApiserver | Self::Kubectl) {
            let version = pinned("k8s.io/kubernetes")?;
            let mut numbers = version.trim_start_matches('v').split('.');
            let (major, minor) = (numbers.next().unwrap_or(""), numbers.next().unwrap_or(""));
            for (name, value) in [
                ("gitVersion", version.as_str()),
                ("gitMajor", major),
                ("gitMinor", minor),
            ] {
                flags += &format!(" -X k8s.io/component-base/version.{name}={value}");
            }
        }
        Ok(flags)
    }

    /// Changes with whatever goes into the binary: module pins, our sources, compiler and platform.
    fn key(self) -> Result<String, String> {
        let module = self.module();
        let mut inputs = vec![module.join("go.mod"), module.join("go.sum")];
        if let Some(ours) = self.package().strip_prefix("./") {
            let sources = module.join(ours);
            let listed =
                fs::read_dir(&sources).map_err(|e| format!("{}: {e}", sources.display()))?;
            inputs.extend(listed.filter_map(Result::ok).map(|source| source.path()));
            inputs.sort();
        }
        let mut digest = Sha256::new();
        digest.update(go_platform()?);
        for input in inputs {
            digest.update(fs::read(&input).map_err(|e| format!("{}: {e}", input.display()))?);
        }
        Ok(digest
            .finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect())
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

/// The version that the cluster's go.mod pins `module` to, such as `v1.36.3`.
fn pinned(module: &str) -> Result<String, String> {
    let go_mod = fs::read_to_string(Path::new(CLUSTER).join("go.mod"))
        .map_err(|e| format!("go.mod: {e}"))?;
    let mut lines = go_mod
        .lines()
        .map(|line| line.trim().trim_start_matches("require "));
    lines
        .find_map(|line| {
            line.strip_prefix(module)?
                .strip_prefix(' ')?
                .split(' ')
                .next()
        })
        .map(str::to_owned)
        .ok_or_else(|| format!("go.mod does not pin {module}"))
}

/// Compiler version and target platform, asked once per process.
fn go_platform() -> Result<&'static str, String> {
    static PLATFORM: OnceLock<Result<String, String>> = OnceLock::new();
    PLATFORM
        .get_or_init(|| {
            let told = output(go(Path::new(CLUSTER)).args(["env", "GOVERSION", "GOOS", "GOARCH"]))?;
            Ok(String::from_utf8_lossy(&told.stdout).into_owned())
        })
        .as_deref()
        .map_err(Clone::clone)
}

fn go(module: &Path) -> Command {
    let mut go = Command::new("go");
    // No C compiler, no other toolchain, and never another version than the ones in go.sum.
    go.current_dir(module)
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=readonly")
        .env_remove("GOWORK");
    go
}

fn output(command: &mut Command) -> Result<Output, String> {
    let done = command.output().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no `go` in PATH; tests with real parts need Go 1.26 or newer \
             (https://go.dev/dl), and the Go module proxy once"
                .to_owned()
        }
        _ => format!("go: {e}"),
    })?;
    if done.status.success() {
        return Ok(done);
    }
    Err(format!(
        "{command:?}: {}\n{}",
        done.status,
        String::from_utf8_lossy(&done.stderr)
    ))
}
