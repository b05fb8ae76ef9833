//! Python packages that tests and benches run, installed on first use from the files in `tests/python`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};

use super::go_programs::cache_folder;

/// The file that marks a complete installation.
const COMPLETE: &str = "complete";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packages {
    Botocore,
    Awscli,
    CfnLint,
    Hcl,
    JsonSchema,
    MiniStack,
    Moto,
    PreCommit,
}

impl Packages {
    fn requirements(self) -> &'static Path {
        Path::new(match self {
            Self::Botocore => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/botocore.txt"),
            Self::Awscli => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/awscli.txt"),
            Self::CfnLint => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/cfn-lint.txt"),
            Self::Hcl => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/hcl.txt"),
            Self::JsonSchema => {
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/json-schema.txt")
            }
            Self::PreCommit => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/pre-commit.txt"),
            Self::MiniStack => {
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/ministack.txt")
            }
            Self::Moto => concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/moto.txt"),
        })
    }

    /// Returns a Python with only these packages, and without the environment of this process.
    /// The first call downloads them; other processes that need them wait.
    ///
    /// # Panics
    /// If there is no Python or the packages cannot be installed.
    pub(crate) fn python(self) -> Command {
        let folder = self
            .folder()
            .unwrap_or_else(|reason| panic!("cannot install {self:?}: {reason}"));
        let mut python = Command::new(folder.join("bin/python"));
        python.env_clear();
        python
    }

    /// Returns the folder of the packages' programs, including `python`.
    pub(crate) fn programs(self) -> Result<PathBuf, String> {
        Ok(self.folder()?.join("bin"))
    }

    fn folder(self) -> Result<PathBuf, String> {
        let parent = cache_folder().join("python");
        let folder = parent.join(self.key()?);
        let complete = folder.join(COMPLETE);
        if complete.exists() {
            return Ok(folder);
        }
        let with_path = |e: std::io::Error| format!("{}: {e}", folder.display());
        fs::create_dir_all(&parent).map_err(with_path)?;
        let lock = File::create(folder.with_extension("lock")).map_err(with_path)?;
        lock.lock().map_err(with_path)?;
        if !complete.exists() {
            self.install(&folder)?;
            File::create(&complete).map_err(with_path)?;
        }
        Ok(folder)
    }

    fn install(self, folder: &Path) -> Result<(), String> {
        output(python3().args(["-m", "venv", "--clear"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        without_python(&mut pip);
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps"]);
        pip.args(["--only-binary", ":all:", "--disable-pip-version-check"]);
        output(pip.arg("--requirement").arg(self.requirements()))?;
        Ok(())
    }

    /// A hash of the requirements and of the Python version.
    fn key(self) -> Result<String, String> {
        let requirements = self.requirements();
        let python =
            output(python3().args(["-c", "import sys; print(sys.executable, sys.version)"]))?;
        let digest = Sha256::new()
            .chain_update(&python.stdout)
            .chain_update(
                fs::read(requirements).map_err(|e| format!("{}: {e}", requirements.display()))?,
            )
            .finalize();
        Ok(digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }
}

fn python3() -> Command {
    let mut python = Command::new("python3");
    without_python(&mut python);
    python
}

/// Removes the variables of another Python. Those of package indexes and proxies stay.
fn without_python(command: &mut Command) {
    for name in ["PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV"] {
        command.env_remove(name);
    }
}

fn output(command: &mut Command) -> Result<Output, String> {
    let done = command.output().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no `python3` in PATH; tests against botocore need Python 3.10 or newer \
             with venv, and the Python package index once"
                .to_owned()
        }
        _ => format!("python3: {e}"),
    })?;
    if done.status.success() {
        return Ok(done);
    }
    Err(format!(
        "{command:?}: {}\n{}{}",
        done.status,
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    ))
}
